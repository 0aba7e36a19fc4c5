// Arrow arrays made by hand, with a count of what is alive: each struct counts itself when it is made and when it is released.
//
//     support::arrow_counts counts;
//     auto batch = support::arrow_batch({support::arrow_values<std::int32_t>("age", "i", {7, 8, 9})}, 3);
//     sk::from_arrow<S>(batch.schema(counts), batch.array(counts));
//     CHECK(counts.alive == 0);
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <segkit/io/detail/arrow_abi.hpp>

namespace support {

struct arrow_counts {
    int alive = 0;       // structs made and not released
    int released = 0;
    int released_twice = 0;
};

template <class Struct>
bool is_released(const Struct& s) {
    return s.release == nullptr;
}

using arrow_bytes = std::vector<std::uint8_t>;

template <class T>
arrow_bytes bytes_of(const std::vector<T>& values) {
    arrow_bytes bytes(values.size() * sizeof(T));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}
inline arrow_bytes bits_of(const std::vector<int>& bits, std::size_t from = 0) {
    arrow_bytes bytes((from + bits.size() + 7) / 8);
    for (std::size_t i = 0; i < bits.size(); ++i)
        if (bits[i]) bytes[(from + i) / 8] = static_cast<std::uint8_t>(bytes[(from + i) / 8] | (1u << ((from + i) % 8)));
    return bytes;
}

// An array and its type. `length` counts from `offset`, as in Arrow.
struct arrow_node {
    std::string name{};
    std::string format{};
    std::int64_t flags = ARROW_FLAG_NULLABLE;
    std::int64_t length = 0;
    std::int64_t null_count = 0;
    std::int64_t offset = 0;
    std::vector<std::optional<arrow_bytes>> buffers{};
    std::vector<arrow_node> children{};
    std::shared_ptr<arrow_node> dictionary{};

    void fill(ArrowSchema* out, arrow_counts& counts) const;
    void fill(ArrowArray* out, arrow_counts& counts) const;
};

namespace detail {
struct schema_holder {
    arrow_counts& counts;
    std::string format, name;
    std::deque<ArrowSchema> children;
    std::vector<ArrowSchema*> pointers;
    ArrowSchema dictionary{};
};
struct array_holder {
    arrow_counts& counts;
    std::deque<arrow_bytes> bytes;
    std::vector<const void*> buffers;
    std::deque<ArrowArray> children;
    std::vector<ArrowArray*> pointers;
    ArrowArray dictionary{};
};
template <class Holder, class Struct>
void release(Struct* s) {
    auto* const holder = static_cast<Holder*>(s->private_data);
    for (auto& child : holder->children)
        if (child.release) child.release(&child);
    if (holder->dictionary.release) holder->dictionary.release(&holder->dictionary);
    --holder->counts.alive;
    ++holder->counts.released;
    if (s->release == nullptr) ++holder->counts.released_twice;
    s->release = nullptr;
    delete holder;
}
}  // namespace detail

inline void arrow_node::fill(ArrowSchema* out, arrow_counts& counts) const {
    auto* const holder = new detail::schema_holder{counts, format, name, {}, {}, {}};
    for (const arrow_node& child : children) {
        child.fill(&holder->children.emplace_back(), counts);
        holder->pointers.push_back(&holder->children.back());
    }
    *out = {holder->format.c_str(), holder->name.c_str(), nullptr, flags, static_cast<std::int64_t>(children.size()), holder->pointers.data(), nullptr,
            detail::release<detail::schema_holder, ArrowSchema>, holder};
    if (dictionary) {
        dictionary->fill(&holder->dictionary, counts);
        out->dictionary = &holder->dictionary;
    }
    ++counts.alive;
}

inline void arrow_node::fill(ArrowArray* out, arrow_counts& counts) const {
    auto* const holder = new detail::array_holder{counts, {}, {}, {}, {}, {}};
    for (const auto& b : buffers) {
        if (!b) {
            holder->buffers.push_back(nullptr);
            continue;
        }
        holder->bytes.push_back(*b);
        holder->bytes.back().shrink_to_fit();    // so that a sanitizer sees every byte too many
        holder->buffers.push_back(holder->bytes.back().data());
    }
    for (const arrow_node& child : children) {
        child.fill(&holder->children.emplace_back(), counts);
        holder->pointers.push_back(&holder->children.back());
    }
    *out = {length, null_count, offset, static_cast<std::int64_t>(buffers.size()), static_cast<std::int64_t>(children.size()), holder->buffers.data(),
            holder->pointers.data(), nullptr, detail::release<detail::array_holder, ArrowArray>, holder};
    if (dictionary) {
        dictionary->fill(&holder->dictionary, counts);
        out->dictionary = &holder->dictionary;
    }
    ++counts.alive;
}

// Columns by hand. `valid` gives one bit per value, {} means that none is null. The first `offset` values stand before the array.
template <class T>
arrow_node arrow_values(std::string name, std::string format, const std::vector<T>& values, const std::vector<int>& valid = {}, std::size_t offset = 0) {
    arrow_node node{.name = std::move(name), .format = std::move(format)};
    node.offset = static_cast<std::int64_t>(offset);
    node.length = static_cast<std::int64_t>(values.size() - offset);
    node.buffers = {std::nullopt, bytes_of(values)};
    if (!valid.empty()) {
        node.buffers[0] = bits_of(valid);
        node.null_count = -1;
    }
    return node;
}
inline arrow_node arrow_bools(std::string name, const std::vector<int>& values, const std::vector<int>& valid = {}, std::size_t offset = 0) {
    arrow_node node = arrow_values<std::uint8_t>(std::move(name), "b", {}, valid, 0);
    node.offset = static_cast<std::int64_t>(offset);
    node.length = static_cast<std::int64_t>(values.size() - offset);
    node.buffers[1] = bits_of(values);
    return node;
}
template <class Offset>
arrow_node arrow_texts(std::string name, std::string format, const std::vector<std::string>& values, const std::vector<int>& valid = {}, std::size_t offset = 0) {
    std::vector<Offset> offsets{0};
    std::string bytes;
    for (const std::string& v : values) offsets.push_back(static_cast<Offset>((bytes += v).size()));
    arrow_node node = arrow_values<Offset>(std::move(name), std::move(format), offsets, valid, offset);
    --node.length;
    node.buffers.push_back(arrow_bytes(bytes.begin(), bytes.end()));
    return node;
}
// utf8_view, each long text in a buffer of its own.
inline arrow_node arrow_text_views(std::string name, const std::vector<std::string>& values, const std::vector<int>& valid = {}, std::size_t offset = 0) {
    arrow_bytes views(values.size() * 16);
    std::vector<std::optional<arrow_bytes>> data;
    std::vector<std::int64_t> sizes;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string& v = values[i];
        const auto size = static_cast<std::int32_t>(v.size());
        std::memcpy(&views[i * 16], &size, 4);
        if (v.size() <= 12) {
            std::memcpy(&views[i * 16 + 4], v.data(), v.size());
        } else {
            const auto number = static_cast<std::int32_t>(data.size());
            const std::int32_t at = 2;
            std::memcpy(&views[i * 16 + 4], v.data(), 4);
            std::memcpy(&views[i * 16 + 8], &number, 4);
            std::memcpy(&views[i * 16 + 12], &at, 4);
            const std::string padded = "??" + v;
            data.emplace_back(arrow_bytes(padded.begin(), padded.end()));
            sizes.push_back(static_cast<std::int64_t>(padded.size()));
        }
    }
    arrow_node node = arrow_values<std::uint8_t>(std::move(name), "vu", {}, valid, 0);
    node.offset = static_cast<std::int64_t>(offset);
    node.length = static_cast<std::int64_t>(values.size() - offset);
    node.buffers[1] = views;
    node.buffers.insert(node.buffers.end(), data.begin(), data.end());
    node.buffers.push_back(bytes_of(sizes));
    return node;
}
template <class Index>
arrow_node arrow_dictionary(std::string name, std::string index_format, const std::vector<Index>& indices, arrow_node dictionary, const std::vector<int>& valid = {}, std::size_t offset = 0) {
    arrow_node node = arrow_values<Index>(std::move(name), std::move(index_format), indices, valid, offset);
    node.dictionary = std::make_shared<arrow_node>(std::move(dictionary));
    return node;
}
inline arrow_node arrow_lists(std::string name, std::size_t width, arrow_node items, std::size_t rows, std::size_t offset = 0) {
    arrow_node node{.name = std::move(name), .format = "+w:" + std::to_string(width)};
    node.length = static_cast<std::int64_t>(rows);
    node.offset = static_cast<std::int64_t>(offset);
    node.buffers = {std::nullopt};
    node.children.push_back(std::move(items));
    return node;
}
inline arrow_node arrow_nulls(std::string name, std::size_t rows) {
    arrow_node node{.name = std::move(name), .format = "n"};
    node.length = node.null_count = static_cast<std::int64_t>(rows);
    return node;
}
// A record batch of `rows` rows, of which the first `offset` rows of every column are not part.
inline arrow_node arrow_batch(std::vector<arrow_node> columns, std::size_t rows, std::size_t offset = 0) {
    arrow_node node{.format = "+s"};
    node.flags = 0;
    node.length = static_cast<std::int64_t>(rows);
    node.offset = static_cast<std::int64_t>(offset);
    node.buffers = {std::nullopt};
    node.children = std::move(columns);
    return node;
}

// A stream of batches of one type. `fail_at`: the number of the array instead of which it fails.
inline void fill_stream(ArrowArrayStream* out, std::vector<arrow_node> batches, arrow_counts& counts, std::size_t fail_at = static_cast<std::size_t>(-1)) {
    struct holder {
        arrow_counts& counts;
        std::vector<arrow_node> batches;
        std::size_t fail_at;
        std::size_t next = 0;
    };
    *out = {};
    out->private_data = new holder{counts, std::move(batches), fail_at};
    out->get_schema = [](ArrowArrayStream* s, ArrowSchema* schema) {
        auto& h = *static_cast<holder*>(s->private_data);
        h.batches.at(0).fill(schema, h.counts);
        return 0;
    };
    out->get_next = [](ArrowArrayStream* s, ArrowArray* array) {
        auto& h = *static_cast<holder*>(s->private_data);
        if (h.next == h.fail_at) return 5;
        *array = {};
        if (h.next < h.batches.size()) h.batches[h.next++].fill(array, h.counts);
        return 0;
    };
    out->get_last_error = [](ArrowArrayStream*) -> const char* { return "the disk is full"; };
    out->release = [](ArrowArrayStream* s) {
        auto* const h = static_cast<holder*>(s->private_data);
        --h->counts.alive;
        ++h->counts.released;
        s->release = nullptr;
        delete h;
    };
    ++counts.alive;
}

}  // namespace support
