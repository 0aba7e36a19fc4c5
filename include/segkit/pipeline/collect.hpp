// segkit/pipeline/collect.hpp: runs a query and keeps its rows as a table.
//
//     auto t = sessions | filter("clicks"_c > 3) | collect();              // in the calling thread
//     auto u = sessions | filter("clicks"_c > 3) | collect(threads(4));    // the same table, bit for bit
//
// Cost: one pass over the source, and the memory of the result.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/copy_text.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// ---- appending the selected rows of a chunk to a stored column, many at a time

template <std::size_t Bytes>
struct opaque_value {
    std::byte bytes[Bytes];
};

// The values of the selected rows, one after the other.
template <class V>
void copy_selected(const chunk& c, const V* from, V* to) {
    if (c.dense) std::memcpy(to, from, c.rows * sizeof(V));
    else
        for (std::uint32_t k = 0; k < c.selected; ++k) to[k] = from[c.selection[k]];
}

// Adds `count` bits of `from`, beginning at its bit 0, to a bitmap that has `rows` bits.
inline void append_bitmap(buffer& bits, std::size_t rows, const std::uint8_t* from, std::size_t count) {
    if (count == 0) return;
    const std::size_t bytes = (rows + count + 7) / 8 - (rows + 7) / 8;
    std::memset(bits.grow(bytes), 0, bytes);
    auto* to = reinterpret_cast<std::uint8_t*>(bits.data()) + rows / 8;
    const unsigned shift = rows % 8;
    for (std::size_t i = 0; i < count; i += 8) {
        const unsigned left = count - i < 8 ? static_cast<unsigned>(count - i) : 8;
        const unsigned value = static_cast<unsigned>(from[i / 8] & (0xFFu >> (8 - left))) << shift;
        to[i / 8] = static_cast<std::uint8_t>(to[i / 8] | value);
        if (shift + left > 8) to[i / 8 + 1] = static_cast<std::uint8_t>(value >> 8);
    }
}

// The validity of the selected rows, from bit 0 on; whether any of them is null.
inline bool select_validity(const chunk& c, const slot_view& view, std::uint8_t* bits) {
    const std::size_t bytes = (c.selected + 7) / 8;
    if (c.dense) {
        std::memcpy(bits, view.validity, bytes);
    } else {
        std::memset(bits, 0, bytes);
        for (std::uint32_t k = 0; k < c.selected; ++k)
            bits[k >> 3] = static_cast<std::uint8_t>(bits[k >> 3] | (unsigned{view.valid(c.selection[k])} << (k & 7)));
    }
    unsigned known = 0xFF;
    for (std::size_t i = 0; i < c.selected / 8; ++i) known &= bits[i];
    if (c.selected % 8) known &= bits[bytes - 1] | (0xFFu << (c.selected % 8));
    return (known & 0xFF) != 0xFF;
}

template <class Column>
void append_texts(Column& column, const chunk& c, const std::string_view* values, const std::uint8_t* known) {
    const auto text_at = [&](std::uint32_t k, std::uint32_t row) {
        return known && !bit_at(known, k) ? std::string_view() : values[row];
    };
    auto end = static_cast<std::int64_t>(column.bytes.size());
    std::byte* offset = column.values.grow(std::size_t{c.selected} * sizeof end);
    c.each([&](std::uint32_t k, std::uint32_t row) {
        end += static_cast<std::int64_t>(text_at(k, row).size());
        std::memcpy(offset + k * sizeof end, &end, sizeof end);
    });
    std::byte* to = column.bytes.grow(static_cast<std::size_t>(end) - column.bytes.size());
    c.each([&](std::uint32_t k, std::uint32_t row) {
        const std::string_view text = text_at(k, row);
        copy_text(to, text);
        to += text.size();
    });
}

// Codes the selected texts. Where the chunk has codes of its own, each of its texts is looked up once.
template <class Column>
void append_categories(Column& column, const chunk& c, const slot_view& view, const std::uint8_t* known) {
    std::int32_t* const to = reinterpret_cast<std::int32_t*>(column.values.grow(std::size_t{c.selected} * sizeof *to));
    const auto is_known = [&](std::uint32_t k) { return !known || bit_at(known, k); };
    auto& texts = column.own_dictionary();
    if (view.codes && view.text_count <= c.selected) {
        std::int32_t code_here[chunk_rows];
        for (std::size_t i = 0; i < view.text_count; ++i) code_here[i] = texts.none;
        c.each([&](std::uint32_t k, std::uint32_t row) {
            to[k] = 0;
            if (!is_known(k)) return;
            const auto code = static_cast<std::size_t>(view.codes[row]);
            if (code_here[code] == texts.none) code_here[code] = texts.code_of(view.texts[code]);
            to[k] = code_here[code];
        });
        return;
    }
    const auto* const values = view.as<std::string_view>();
    c.each([&](std::uint32_t k, std::uint32_t row) { to[k] = is_known(k) ? texts.code_of(values[row]) : 0; });
}

template <class Column>
void append_lists(Column& column, const chunk& c, const list_place* values, const std::uint8_t* known) {
    column.values.reserve(column.values.size() + std::size_t{c.selected} * sizeof(std::int64_t));
    c.each([&](std::uint32_t k, std::uint32_t row) { column.push_list(known && !bit_at(known, k) ? list_place() : values[row]); });
}

template <std::size_t Bytes, class Column>
void append_fixed(Column& column, const chunk& c, const slot_view& view, const std::uint8_t* known) {
    using V = opaque_value<Bytes>;
    auto* to = reinterpret_cast<V*>(column.values.grow(std::size_t{c.selected} * Bytes));
    copy_selected(c, view.as<V>(), to);
    if (!known) return;
    using word = std::conditional_t<Bytes == 1, std::uint8_t, std::conditional_t<Bytes == 4, std::uint32_t, std::uint64_t>>;
    for (std::uint32_t k = 0; k < c.selected; ++k) {    // the value of a null row is zero
        word value;
        std::memcpy(&value, to + k, Bytes);
        value = bit_at(known, k) ? value : word{0};
        std::memcpy(to + k, &value, Bytes);
    }
}

// Appends the selected values of one slot to a stored column.
template <class Column>
void append_slot(Column& column, const chunk& c, const slot_view& view) {
    std::uint8_t bits[chunk_rows / 8];
    const std::uint8_t* known = nullptr;
    if (column.nullable) {
        if (select_validity(c, view, bits)) known = bits;
        append_bitmap(column.validity, column.rows, bits, c.selected);
    }
    if (column.type == type_id::text) {
        append_texts(column, c, view.as<std::string_view>(), known);
    } else if (column.type == type_id::category) {
        append_categories(column, c, view, known);
    } else if (is_list_type(column.type)) {
        append_lists(column, c, view.as<list_place>(), known);
    } else if (column.type == type_id::block32 || column.type == type_id::block64) {
        column.width = view.width;
        const std::size_t bytes = view.width * size_of(column.type);
        std::byte* to = column.values.grow(c.selected * bytes);
        c.each([&](std::uint32_t k, std::uint32_t row) { std::memcpy(to + k * bytes, view.as<std::byte>() + row * bytes, bytes); });
    } else {
        switch (size_of(column.type)) {
            case 1: append_fixed<1>(column, c, view, known); break;
            case 4: append_fixed<4>(column, c, view, known); break;
            default: append_fixed<8>(column, c, view, known);
        }
    }
    column.rows += c.selected;
}

// ---- the rows of a plan

inline void copy_bytes(std::byte* to, const buffer& from) {
    if (from.size()) std::memcpy(to, from.data(), from.size());
}

// Puts the rows of the morsels behind one another. Where the source knows how many rows it has, values of fixed size are appended
// to the result itself by the worker of the earliest morsel that has not ended; the others keep theirs until it is their turn, and
// the memory of a part is used again: hardly more than the result is held at any time. Texts, and everything where the number
// of rows is unknown, wait for the end. (A template only so that it is compiled where it is used.)
template <class Rows>
class row_collector final : public morsel_consumer {
public:
    // `types`: what the columns are stored as, where that differs from their slots.
    template <class Plan>
    row_collector(const Plan& p, const std::vector<int>& outputs, const std::vector<type_id>& types) : outputs_(outputs) {
        for (std::size_t i = 0; i < outputs.size(); ++i) all_.columns.emplace_back(types.empty() ? p.at(outputs[i]).type : types[i], p.at(outputs[i]).nullable);
        if (const auto bound = p.source()->row_count(); bound && *bound > 8 * chunk_rows) {
            early_ = true;
            for (auto& c : all_.columns) {
                if (!goes_early(c)) continue;
                c.values.reserve(*bound * size_of(c.type));
                if (c.nullable) c.validity.reserve(*bound / 8 + 1);
            }
        }
    }

    std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
        const std::lock_guard hold(lock_);
        if (parts_.size() <= morsel) parts_.resize(morsel + 1);
        Rows rows;
        if (!spare_.empty()) {
            rows = std::move(spare_.back());
            spare_.pop_back();
        }
        for (std::size_t i = rows.columns.size(); i < all_.columns.size(); ++i) rows.columns.emplace_back(all_.columns[i].type, all_.columns[i].nullable);
        return std::make_unique<worker>(*this, morsel, std::move(rows));
    }

    Rows take(executor_ref executor) {
        if (parts_.size() == 1 && !early_) {
            parts_[0].rows.rows = parts_[0].count;
            return std::move(parts_[0].rows);
        }
        for (part& p : parts_) {
            p.first_row = all_.rows;
            all_.rows += p.count;
            p.first_byte.resize(all_.columns.size());
            p.codes.resize(all_.columns.size());
        }
        executor.run(all_.columns.size(), [&](std::size_t i) { make_room(i); });
        executor.run(parts_.size() * all_.columns.size(), [&](std::size_t task) { fill(parts_[task / all_.columns.size()], task % all_.columns.size()); });
        return std::move(all_);
    }

private:
    struct part {
        Rows rows;
        std::size_t count = 0, first_row = 0;
        bool ended = false;
        std::vector<std::size_t> first_byte{};    // of the texts of each column in the result; or the first item, of lists
        std::vector<std::vector<std::int32_t>> codes{};    // in the result, of the texts of each category column
    };

    class worker final : public morsel_worker {
    public:
        worker(row_collector& all, std::size_t morsel, Rows rows) : all_(all), morsel_(morsel), rows_(std::move(rows)) {}
        void take(const chunk& c) override {
            if (!first_ && all_.early_ && all_.earliest_.load(std::memory_order_acquire) == morsel_) {
                first_ = true;
                all_.append(rows_);
            }
            for (std::size_t i = 0; i < all_.outputs_.size(); ++i) {
                auto& column = first_ && goes_early(rows_.columns[i]) ? all_.all_.columns[i] : rows_.columns[i];
                append_slot(column, c, c.slots[static_cast<std::size_t>(all_.outputs_[i])]);
            }
            count_ += c.selected;
        }
        void finish() override { all_.end(morsel_, std::move(rows_), count_); }

    private:
        row_collector& all_;
        std::size_t morsel_, count_ = 0;
        bool first_ = false;    // all morsels before this one have ended
        Rows rows_;
    };

    static bool goes_early(const auto& c) { return !c.has_offsets() && c.type != type_id::block32 && c.type != type_id::block64; }

    // Moves what can go early from a part to the end of the result: only where all parts before it have been.
    void append(Rows& from) {
        for (std::size_t i = 0; i < from.columns.size(); ++i) {
            auto& c = from.columns[i];
            if (!goes_early(c) || c.rows == 0) continue;
            auto& to = all_.columns[i];
            if (c.type == type_id::category) to.append_codes(c);
            else to.values.append(c.values.data(), c.values.size());
            if (c.nullable) append_bitmap(to.validity, to.rows, c.validity_bits(), c.rows);
            to.rows += std::exchange(c.rows, 0);
            c.values.cut();
            c.validity.cut();
            c.dictionary.reset();
        }
    }

    void end(std::size_t morsel, Rows rows, std::size_t count) {
        const auto keep = [&](part& p) {
            p.rows = std::move(rows);
            p.count = count;
            p.ended = true;
        };
        std::unique_lock hold(lock_);
        if (!early_ || earliest_.load(std::memory_order_relaxed) != morsel) return keep(parts_[morsel]);
        // Nobody else touches the result until the next morsel is the earliest one.
        hold.unlock();
        append(rows);
        hold.lock();
        keep(parts_[morsel]);
        recycle(parts_[morsel]);
        std::size_t next = morsel + 1;
        for (; next < parts_.size() && parts_[next].ended; ++next) {
            Rows& waiting = parts_[next].rows;
            hold.unlock();
            append(waiting);
            hold.lock();
            recycle(parts_[next]);
        }
        earliest_.store(next, std::memory_order_release);
    }
    // The emptied columns serve a later morsel; the others stay.
    void recycle(part& p) {
        Rows kept, emptied;
        for (auto& c : p.rows.columns) {
            emptied.columns.emplace_back(c.type, c.nullable);
            kept.columns.emplace_back(c.type, c.nullable);
            std::swap(goes_early(c) ? emptied.columns.back() : kept.columns.back(), c);
        }
        p.rows = std::move(kept);
        spare_.push_back(std::move(emptied));
    }

    bool is_placed(const auto& c) const { return early_ && goes_early(c); }

    // The room of one column, its bitmap, and where each part's texts begin.
    void make_room(std::size_t i) {
        auto& to = all_.columns[i];
        if (is_placed(to)) return;
        std::size_t bytes = 0, values = 0;
        for (part& p : parts_) {
            if (p.rows.columns.empty()) continue;
            auto& c = p.rows.columns[i];
            p.first_byte[i] = to.items.empty() ? bytes : to.items.front().rows;
            bytes += c.bytes.size();
            if (!to.items.empty()) to.items.front().append_column(std::exchange(c.items.front(), {}));
            values += c.values.size();
            if (c.rows) to.width = c.width;
            if (to.nullable) append_bitmap(to.validity, p.first_row, c.validity_bits(), c.rows);
            if (c.dictionary) p.codes[i] = to.own_dictionary().add(*c.dictionary);
            else c.validity = {};
        }
        to.rows = all_.rows;
        to.bytes.grow(bytes);
        to.values.grow(to.has_offsets() ? all_.rows * sizeof(std::int64_t) : values);
    }

    void fill(part& p, std::size_t i) {
        auto& to = all_.columns[i];
        if (is_placed(to) || p.rows.columns.empty() || p.count == 0) return;
        auto& from = p.rows.columns[i];
        if (to.has_offsets()) {
            const std::size_t base = p.first_byte[i];
            if (from.bytes.size()) copy_bytes(to.bytes.data() + base, from.bytes);
            const auto* ends = reinterpret_cast<const std::int64_t*>(from.values.data()) + 1;
            auto* out = reinterpret_cast<std::int64_t*>(to.values.data()) + 1 + p.first_row;
            for (std::size_t k = 0; k < p.count; ++k) out[k] = ends[k] + static_cast<std::int64_t>(base);
        } else {
            if (from.dictionary) from.translate_codes(p.codes[i], 0, from);
            copy_bytes(to.values.data() + p.first_row * (from.values.size() / p.count), from.values);
        }
        from = {};
    }

    const std::vector<int>& outputs_;
    Rows all_;
    bool early_ = false;
    std::mutex lock_;
    std::deque<part> parts_;
    std::vector<Rows> spare_;
    std::atomic<std::size_t> earliest_{0};    // the earliest morsel that has not ended: its worker may append to the result
};

// The rows of a plan that does nothing but choose among the columns of its source, where these lie in memory as is asked for: texts
// as offsets and bytes, or coded where `types` say so; or in either form. They are the source's.
enum class text_form : std::uint8_t { as_asked, any };
template <class Plan>
stored_rows stored_rows_of(const Plan& p, const std::vector<int>& outputs, executor_ref executor, const std::vector<type_id>& types = {}, text_form form = text_form::as_asked) {
    for (const auto& s : p.steps())
        if (s->changes_rows()) return {};
    std::vector<bool> needed;
    for (const int s : outputs) {
        if (p.at(s).source_column < 0) return {};
        const auto column = static_cast<std::size_t>(p.at(s).source_column);
        if (needed.size() <= column) needed.resize(column + 1, false);
        needed[column] = true;
    }
    stored_rows stored = p.source()->stored(needed, executor);
    for (std::size_t i = 0; i < outputs.size() && stored.rows; ++i) {
        const auto& s = p.at(outputs[i]);
        const type_id found = stored.rows->columns[static_cast<std::size_t>(s.source_column)].type, asked = types.empty() ? s.type : types[i];
        if (found != asked && !(form == text_form::any && asked == type_id::text && found == type_id::category)) stored = {};
    }
    return stored;
}

// The rows of some slots of a plan, in row order, stored as `types` say, or as the types of the slots.
template <class Plan>
table_data collect_rows(Plan p, const std::vector<int>& outputs, executor_ref executor, const std::vector<type_id>& types = {}) {
    // What is to be coded and not in memory yet is coded as it comes: its texts are never held.
    std::vector<int> slots = outputs;
    stored_rows stored;
    if (p.has_whole() && types.empty()) {
        Plan whole = p.whole(slots);
        stored = stored_rows_of(whole, slots, executor);
        if (stored.rows) p = std::move(whole);
        else slots = outputs;
    }
    if (!stored.rows && (types.empty() || p.source()->row_count())) stored = stored_rows_of(p, outputs, executor, types);
    if (!stored.rows) {
        row_collector<table_data> collector(p, outputs, types);
        p.run(outputs, executor, collector);
        return collector.take(executor);
    }
    std::vector<std::size_t> from;
    for (const int s : slots) from.push_back(static_cast<std::size_t>(p.at(s).source_column));
    p = {};
    const bool last = stored.computed && stored.rows.use_count() == 1;    // nobody else will read them
    table_data all;
    all.rows = stored.rows->rows;
    all.columns.resize(outputs.size());
    executor.run(outputs.size(), [&](std::size_t i) {
        bool used_again = false;
        for (std::size_t j = 0; j < from.size(); ++j) used_again = used_again || (j != i && from[j] == from[i]);
        auto& column = const_cast<table_data&>(*stored.rows).columns[from[i]];    // computed rows are no const object
        if (last && !used_again) all.columns[i] = std::move(column);
        else all.columns[i] = std::as_const(column);
    });
    return all;
}

// Columns of a plan by slot, to be read at any place: where they lie already, or collected. Who takes texts in any form gets
// categories where these lie in memory.
struct rows_at_hand {
    std::shared_ptr<const table_data> rows;
    std::vector<const column_data*> columns;    // nullptr where not asked for
};
template <class Plan>
rows_at_hand rows_in_memory(const Plan& p, const std::vector<int>& slots, const std::vector<bool>& read, executor_ref executor, text_form form = text_form::as_asked) {
    std::vector<int> outputs;
    for (std::size_t i = 0; i < slots.size(); ++i)
        if (read[i]) outputs.push_back(slots[i]);
    rows_at_hand at_hand{stored_rows_of(p, outputs, executor, {}, form).rows, std::vector<const column_data*>(slots.size(), nullptr)};
    const bool collected = !at_hand.rows;
    if (collected) at_hand.rows = std::make_shared<const table_data>(collect_rows(p, outputs, executor));
    for (std::size_t i = 0, next = 0; i < slots.size(); ++i)
        if (read[i]) at_hand.columns[i] = &at_hand.rows->columns[collected ? next++ : static_cast<std::size_t>(p.at(slots[i]).source_column)];
    return at_hand;
}

// What the columns of a table are stored as; nothing where that is what their slots are.
template <class Schema>
std::vector<type_id> stored_types_of() {
    std::vector<type_id> types;
    bool differs = false;
    for_each_field<Schema>::apply([&]<class Field>(Field*) {
        types.push_back(type_id_of<typename Field::type>);
        differs = differs || types.back() != slot_type_of<typename Field::type>;
    });
    if (!differs) types.clear();
    return types;
}
template <class Schema>
table_data collect_table(relation<Schema> r, executor_ref executor) {
    return collect_rows(std::move(r.plan), r.slot_of, executor, stored_types_of<Schema>());
}

template <class Executor>
struct collect_request {
    const Executor& executor;
};
template <class Executor>
struct try_collect_request {
    const Executor& executor;
};

}  // namespace detail

// Ends a query: `query | collect()` is a table. The executor is used within the same expression only.
template <executor Executor = serial>
auto collect(const Executor& executor = detail::default_executor) {
    return detail::collect_request<Executor>{executor};
}

// The same without an exception for wrong data: `query | try_collect()` is a result<table>.
template <executor Executor = serial>
auto try_collect(const Executor& executor = detail::default_executor) {
    return detail::try_collect_request<Executor>{executor};
}

template <class T, class Executor>
    requires row_input<std::remove_cvref_t<T>>
auto operator|(T&& input, const detail::collect_request<Executor>& request) {
    auto r = detail::as_query(std::forward<T>(input)).bind();
    using Schema = typename std::remove_cvref_t<decltype(r)>::schema_type;
    return table<Schema>(detail::collect_table(std::move(r), request.executor));
}

template <class T, class Executor>
    requires row_input<std::remove_cvref_t<T>>
auto operator|(T&& input, const detail::try_collect_request<Executor>& request) {
    return try_call([&] { return std::forward<T>(input) | detail::collect_request<Executor>{request.executor}; });
}

}  // namespace SEGKIT_NAMESPACE
