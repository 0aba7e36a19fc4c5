// segkit/detail/arena.hpp: memory that is taken in small pieces and given back all at once.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Pieces are aligned to 8 bytes and never move.
class arena {
public:
    std::byte* take(std::size_t bytes) {
        bytes = (bytes + 7) / 8 * 8;
        if (bytes > left_) {
            const std::size_t slab = bytes > next_slab ? bytes : next_slab;
            slabs_.emplace_back(new std::byte[slab]);
            at_ = slabs_.back().get();
            left_ = slab;
            if (next_slab < largest_slab) next_slab *= 2;
        }
        std::byte* piece = at_;
        at_ += bytes;
        left_ -= bytes;
        return piece;
    }
    std::string_view keep(std::string_view text) {
        if (text.empty()) return {};
        auto* copy = reinterpret_cast<char*>(take(text.size()));
        std::memcpy(copy, text.data(), text.size());
        return {copy, text.size()};
    }

private:
    static constexpr std::size_t largest_slab = std::size_t{1} << 20;
    std::size_t next_slab = 4096;
    std::vector<std::unique_ptr<std::byte[]>> slabs_;
    std::byte* at_ = nullptr;
    std::size_t left_ = 0;
};

}  // namespace SEGKIT_NAMESPACE::detail
