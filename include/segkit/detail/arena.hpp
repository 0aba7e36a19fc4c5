// segkit/detail/arena.hpp: memory that is taken in small pieces and given back all at once.
#pragma once

#include <cstddef>
#include <cstring>
#include <mutex>
#include <string_view>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/pages.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Slabs for many arenas that live equally long, cut from a few large pieces of memory. May be called by several threads.
class slab_pool {
public:
    std::byte* take(std::size_t bytes) {
        const std::lock_guard hold(lock_);
        if (bytes > left_) {
            const std::size_t size = bytes > next_ ? bytes : next_;
            pieces_.push_back(take_memory<std::byte>(size));
            at_ = pieces_.back().get();
            left_ = size;
            if (next_ < largest) next_ *= 2;
        }
        std::byte* slab = at_;
        at_ += bytes;
        left_ -= bytes;
        return slab;
    }

    // Large memory that has been used, for something else, when all slabs are gone; or nothing.
    template <class Bytes>
    owned_memory<std::byte> recycle(Bytes bytes) {
        owned_memory<std::byte> memory;
        for (std::size_t i = 0; i < pieces_.size() && !memory; ++i) memory = split_off(pieces_[i], bytes);
        at_ = nullptr;
        left_ = 0;
        return memory;
    }

private:
    static constexpr std::size_t largest = std::size_t{8} << 20;
    std::mutex lock_;
    std::size_t next_ = std::size_t{64} << 10;
    std::vector<owned_memory<std::byte>> pieces_;
    std::byte* at_ = nullptr;
    std::size_t left_ = 0;
};

// Pieces are aligned to 8 bytes and never move. For one thread at a time.
class arena {
public:
    arena() = default;
    explicit arena(slab_pool& pool) : pool_(&pool), largest_slab_(std::size_t{64} << 10) {}

    std::byte* take(std::size_t bytes) {
        bytes = (bytes + 7) / 8 * 8;
        taken_ += bytes;
        if (bytes > left_) new_slab(bytes);
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
    std::size_t taken() const { return taken_; }    // bytes

    // All pieces are given back; their memory is used again.
    void reset() {
        used_ = taken_ = left_ = 0;
        at_ = nullptr;
    }

private:
    struct slab {
        std::byte* begin;
        std::size_t size;
        owned_memory<std::byte> owner;    // none where it is the pool's
    };

    void new_slab(std::size_t bytes) {
        while (used_ < slabs_.size() && slabs_[used_].size < bytes) ++used_;    // of an earlier use
        if (used_ == slabs_.size()) {
            const std::size_t size = bytes > next_slab_ ? bytes : next_slab_;
            owned_memory<std::byte> owner = pool_ ? nullptr : take_memory<std::byte>(size);
            std::byte* begin = pool_ ? pool_->take(size) : owner.get();
            slabs_.push_back({begin, size, std::move(owner)});
            if (next_slab_ < largest_slab_) next_slab_ *= 2;
        }
        at_ = slabs_[used_].begin;
        left_ = slabs_[used_].size;
        ++used_;
    }

    slab_pool* pool_ = nullptr;
    std::size_t largest_slab_ = std::size_t{1} << 20;
    std::size_t next_slab_ = 4096;
    std::vector<slab> slabs_;
    std::size_t used_ = 0;
    std::byte* at_ = nullptr;
    std::size_t left_ = 0;
    std::size_t taken_ = 0;
};

}  // namespace SEGKIT_NAMESPACE::detail
