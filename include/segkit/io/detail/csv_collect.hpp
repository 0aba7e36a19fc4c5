// segkit/io/detail/csv_collect.hpp: all rows of a source as columns in memory, in row order.
//
// Each morsel fills columns of its own; they are joined in morsel order, so the table does not depend on the executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/table/chunk.hpp>
#include <segkit/table/column.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Appends `count` bits to `to`, which holds `held` bits.
inline void append_bits(buffer& to, std::size_t held, const std::uint8_t* bits, std::size_t count) {
    const std::size_t size_after = (held + count + 7) / 8;
    std::byte* const added = to.grow(size_after - to.size());
    std::memset(added, 0, static_cast<std::size_t>(to.data() + to.size() - added));
    const unsigned shift = held % 8;
    auto* const out = reinterpret_cast<std::uint8_t*>(to.data()) + held / 8;
    for (std::size_t i = 0; i * 8 < count; ++i) {
        unsigned byte = bits[i];
        if (count - i * 8 < 8) byte &= (1u << (count - i * 8)) - 1;
        out[i] = static_cast<std::uint8_t>(out[i] | (byte << shift));
        if (byte >> (8 - shift)) out[i + 1] = static_cast<std::uint8_t>(out[i + 1] | (byte >> (8 - shift)));
    }
}

inline void append_slot(column_data& column, const slot_view& slot, std::size_t rows) {
    if (column.type == type_id::text) {
        const auto* const texts = slot.as<std::string_view>();
        std::size_t bytes = 0;
        for (std::size_t r = 0; r < rows; ++r) bytes += texts[r].size();
        std::int64_t end = static_cast<std::int64_t>(column.bytes.size());
        std::byte* at = column.bytes.grow(bytes);
        std::byte* offset = column.values.grow(rows * sizeof(std::int64_t));
        for (std::size_t r = 0; r < rows; ++r) {
            const std::size_t size = texts[r].size();
            if (size != 0) std::memcpy(at, texts[r].data(), size);
            at += size;
            end += static_cast<std::int64_t>(size);
            std::memcpy(offset + r * sizeof end, &end, sizeof end);
        }
    } else {
        column.values.append(slot.values, rows * size_of(column.type));
    }
    if (column.nullable) append_bits(column.validity, column.rows, slot.validity, rows);
    column.rows += rows;
}

inline void append_rows(column_data& column, const column_data& more) {
    if (!column.nullable || column.rows % 8 == 0) {
        column.append_column(more);
        return;
    }
    append_bits(column.validity, column.rows, more.validity_bits(), more.rows);    // many at once, not one by one
    column.nullable = false;
    column.append_column(more);
    column.nullable = true;
}

class csv_collector final : public morsel_consumer {
public:
    explicit csv_collector(table_data columns) : result_(std::move(columns)) {}

    std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
        const std::lock_guard hold(lock_);
        if (parts_.size() <= morsel) parts_.resize(morsel + 1);
        parts_[morsel] = std::make_unique<std::vector<column_data>>();
        for (const column_data& column : result_.columns) parts_[morsel]->emplace_back(column.type, column.nullable);
        return std::make_unique<filler>(*parts_[morsel]);
    }

    table_data take() {
        for (auto& part : parts_) {
            for (std::size_t i = 0; i < result_.columns.size(); ++i) append_rows(result_.columns[i], (*part)[i]);
            part.reset();
        }
        result_.rows = result_.columns.empty() ? 0 : result_.columns[0].rows;
        return std::move(result_);
    }

private:
    struct filler final : morsel_worker {
        explicit filler(std::vector<column_data>& to) : columns(to) {}
        void take(const chunk& rows) override {
            for (std::size_t i = 0; i < columns.size(); ++i) append_slot(columns[i], rows.slots[i], rows.rows);
        }
        std::vector<column_data>& columns;
    };

    table_data result_;
    std::mutex lock_;
    std::vector<std::unique_ptr<std::vector<column_data>>> parts_;
};

}  // namespace SEGKIT_NAMESPACE::detail
