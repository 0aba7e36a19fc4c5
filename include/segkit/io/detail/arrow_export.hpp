// segkit/io/detail/arrow_export.hpp: columns of a table as Arrow arrays that own them.
//
// Values, validity, text bytes and offsets are handed over where they are; only bool is packed into bits. Every array, and
// each child by itself, shares the columns: a consumer may release or move them in any order.
#pragma once

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/detail/shown.hpp>
#include <segkit/detail/utf8.hpp>
#include <segkit/error.hpp>
#include <segkit/io/detail/arrow_abi.hpp>
#include <segkit/table/column.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE::detail {

struct arrow_field {
    std::string_view name;
    type_id type;
    bool nullable;
};

struct arrow_form {
    std::string time_zone = "UTC";
    bool binary_text = false;
};

// ---- schemas

struct arrow_schema_content {
    std::string format{};
    std::string name{};
    std::vector<arrow_owner<ArrowSchema>> children{};
    std::vector<ArrowSchema*> child_pointers{};
    arrow_owner<ArrowSchema> dictionary{};
};

inline arrow_owner<ArrowSchema> make_arrow_schema(std::string format, std::string_view name, bool nullable, std::vector<arrow_owner<ArrowSchema>> children,
                                                  arrow_owner<ArrowSchema> dictionary = {}) {
    auto content = std::make_unique<arrow_schema_content>();
    content->dictionary = std::move(dictionary);
    content->format = std::move(format);
    content->name = name;
    content->children = std::move(children);
    for (auto& child : content->children) content->child_pointers.push_back(child.get());
    arrow_owner<ArrowSchema> schema;
    ArrowSchema& s = *schema.get();
    s.format = content->format.c_str();
    s.name = content->name.c_str();
    s.flags = nullable ? ARROW_FLAG_NULLABLE : 0;
    s.n_children = static_cast<std::int64_t>(content->children.size());
    s.children = content->child_pointers.data();
    if (content->dictionary) s.dictionary = content->dictionary.get();
    s.private_data = content.release();
    s.release = [](ArrowSchema* released) {    // children that were moved out are marked so and stay as they are
        delete static_cast<arrow_schema_content*>(released->private_data);
        released->release = nullptr;
    };
    return schema;
}

inline std::string arrow_format_of(type_id type, std::size_t width, const arrow_form& form) {
    if (is_list_type(type)) return "+L";
    switch (type) {
        case type_id::boolean: return "b";
        case type_id::int32: return "i";
        case type_id::int64: return "l";
        case type_id::float32: return "f";
        case type_id::float64: return "g";
        case type_id::text: return form.binary_text ? "Z" : "U";
        case type_id::category: return "i";    // the index of a text in the dictionary
        case type_id::date: return "tdD";
        case type_id::timestamp: return "tsu:" + form.time_zone;
        case type_id::duration: return "tDu";
        case type_id::block32:
        case type_id::block64: return "+w:" + std::to_string(width);
    }
    return "n";
}

// The width of a block column is that of its rows: it is known once there are any.
inline arrow_owner<ArrowSchema> arrow_schema_of(const std::vector<arrow_field>& fields, const std::vector<std::size_t>& widths, const arrow_form& form) {
    std::vector<arrow_owner<ArrowSchema>> children;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const arrow_field& field = fields[i];
        std::vector<arrow_owner<ArrowSchema>> items;
        if (field.type == type_id::block32) items.push_back(make_arrow_schema("f", "item", false, {}));
        if (field.type == type_id::block64) items.push_back(make_arrow_schema("g", "item", false, {}));
        if (is_list_type(field.type)) items.push_back(make_arrow_schema(arrow_format_of(item_of(field.type), 1, form), "item", false, {}));
        arrow_owner<ArrowSchema> dictionary;
        if (field.type == type_id::category) dictionary = make_arrow_schema(arrow_format_of(type_id::text, 1, form), "", false, {});
        children.push_back(make_arrow_schema(arrow_format_of(field.type, widths[i], form), field.name, field.nullable, std::move(items), std::move(dictionary)));
    }
    return make_arrow_schema("+s", "", false, std::move(children));
}

// ---- arrays

struct arrow_array_content {
    std::shared_ptr<const void> owner{};          // of everything the buffers point at
    std::unique_ptr<std::uint8_t[]> packed{};     // bits of a bool column
    std::array<const void*, 3> buffers{};
    std::vector<arrow_owner<ArrowArray>> children{};
    std::vector<ArrowArray*> child_pointers{};
    arrow_owner<ArrowArray> dictionary{};
};

inline arrow_owner<ArrowArray> make_arrow_array(std::size_t rows, std::size_t nulls, std::size_t buffers, std::unique_ptr<arrow_array_content> content) {
    for (auto& child : content->children) content->child_pointers.push_back(child.get());
    arrow_owner<ArrowArray> array;
    ArrowArray& a = *array.get();
    if (content->dictionary) a.dictionary = content->dictionary.get();
    a.length = static_cast<std::int64_t>(rows);
    a.null_count = static_cast<std::int64_t>(nulls);
    a.n_buffers = static_cast<std::int64_t>(buffers);
    a.buffers = content->buffers.data();
    a.n_children = static_cast<std::int64_t>(content->children.size());
    a.children = content->child_pointers.data();
    a.private_data = content.release();
    a.release = [](ArrowArray* released) {
        delete static_cast<arrow_array_content*>(released->private_data);
        released->release = nullptr;
    };
    return array;
}

inline std::size_t count_nulls(const column_data& column) {
    if (!column.nullable) return 0;
    std::size_t valid = 0;
    for (std::size_t i = 0; i < column.rows / 8; ++i) valid += static_cast<std::size_t>(std::popcount(column.validity_bits()[i]));
    for (std::size_t i = column.rows / 8 * 8; i < column.rows; ++i) valid += bit_at(column.validity_bits(), i);
    return column.rows - valid;
}

// Consumers may trust that utf8 is UTF-8, and some crash where it is not.
inline void require_utf8(std::string_view all, const std::int64_t* offsets, std::size_t rows, std::string_view field) {
    if (ascii_prefix(all) == all.size()) return;
    for (std::size_t row = 0; row < rows; ++row) {
        const std::string_view text = all.substr(static_cast<std::size_t>(offsets[row]), static_cast<std::size_t>(offsets[row + 1] - offsets[row]));
        if (is_utf8(text)) continue;
        error_details details{.code = error_code::malformed_value, .stage = "to_arrow", .field = std::string(field)};
        details.row = row;
        details.found = shown(text);
        details.expected = "UTF-8, which Arrow promises of its text";
        details.advice = "convert the text, or export it as bytes: {.text = segkit::arrow_text::binary}";
        throw error(std::move(details));
    }
}

// The column stays alive as long as `owner` does.
inline arrow_owner<ArrowArray> arrow_array_of(const column_data& column, std::string_view field, const std::shared_ptr<const void>& owner, const arrow_form& form) {
    static constexpr std::int64_t nothing[2] = {};    // where there are no rows; consumers dislike null
    const auto or_nothing = [](const std::byte* at) { return at != nullptr ? static_cast<const void*>(at) : static_cast<const void*>(nothing); };
    auto content = std::make_unique<arrow_array_content>();
    content->owner = owner;
    const std::size_t nulls = count_nulls(column);
    content->buffers[0] = nulls ? column.validity.data() : nullptr;
    std::size_t buffers = 2;
    if (is_list_type(column.type)) content->children.push_back(arrow_array_of(column.items.front(), field, owner, form));
    switch (column.type) {
        case type_id::boolean: {
            content->packed.reset(new std::uint8_t[column.rows / 8 + 1]());
            for (std::size_t i = 0; i < column.rows; ++i)
                content->packed[i / 8] = static_cast<std::uint8_t>(content->packed[i / 8] | (std::to_integer<unsigned>(column.values.data()[i]) << (i % 8)));
            content->buffers[1] = content->packed.get();
            break;
        }
        case type_id::text:
            if (column.refers) {    // Arrow's text has its bytes in the order of the rows
                auto own = std::make_shared<column_data>(column);
                own->own_text();
                return arrow_array_of(*own, field, own, form);
            }
            if (!form.binary_text)
                require_utf8({reinterpret_cast<const char*>(column.bytes.data()), column.bytes.size()}, reinterpret_cast<const std::int64_t*>(column.values.data()), column.rows, field);
            content->buffers[1] = or_nothing(column.values.data());
            content->buffers[2] = or_nothing(column.bytes.data());
            buffers = 3;
            break;
        case type_id::category: {
            const category_dictionary& texts = column.texts();
            if (!form.binary_text) require_utf8(texts.bytes(), texts.offsets(), texts.size(), field);
            content->buffers[1] = or_nothing(column.values.data());
            auto entries = std::make_unique<arrow_array_content>();
            entries->owner = owner;
            entries->buffers[1] = texts.offsets();
            entries->buffers[2] = texts.bytes().data();
            content->dictionary = make_arrow_array(texts.size(), 0, 3, std::move(entries));
            break;
        }
        case type_id::block32:
        case type_id::block64: {
            auto items = std::make_unique<arrow_array_content>();
            items->owner = owner;
            items->buffers[1] = or_nothing(column.values.data());
            content->children.push_back(make_arrow_array(column.rows * column.width, 0, 2, std::move(items)));
            buffers = 1;
            break;
        }
        default: content->buffers[1] = or_nothing(column.values.data());
    }
    return make_arrow_array(column.rows, nulls, buffers, std::move(content));
}

inline std::vector<std::size_t> widths_of(const table_data& rows) {
    std::vector<std::size_t> widths;
    for (const column_data& column : rows.columns) widths.push_back(column.width);
    return widths;
}

inline arrow_owner<ArrowArray> arrow_array_of(const std::shared_ptr<const table_data>& rows, const std::vector<arrow_field>& fields, const arrow_form& form) {
    auto content = std::make_unique<arrow_array_content>();
    for (std::size_t i = 0; i < fields.size(); ++i) content->children.push_back(arrow_array_of(rows->columns[i], fields[i].name, rows, form));
    return make_arrow_array(rows->rows, 0, 1, std::move(content));
}

// ---- streams

struct arrow_stream_content {
    std::vector<arrow_field> fields{};
    arrow_form form{};
    std::vector<std::size_t> widths{};
    std::deque<std::shared_ptr<const table_data>> parts{};
    std::string failure{};

    // C callers cannot catch: an exception becomes an error number and words.
    template <class F>
    int guarded(F&& f) noexcept {
        try {
            failure.clear();
            f();
            return 0;
        } catch (const std::exception& problem) {
            try {
                failure = problem.what();
            } catch (...) {
            }
            return EINVAL;
        } catch (...) {
            return EINVAL;
        }
    }
};

inline arrow_owner<ArrowArrayStream> make_arrow_stream(std::unique_ptr<arrow_stream_content> content) {
    arrow_owner<ArrowArrayStream> stream;
    ArrowArrayStream& s = *stream.get();
    s.private_data = content.release();
    s.get_schema = [](ArrowArrayStream* of, ArrowSchema* out) {
        auto& c = *static_cast<arrow_stream_content*>(of->private_data);
        out->release = nullptr;
        return c.guarded([&] { arrow_schema_of(c.fields, c.widths, c.form).move_to(out); });
    };
    s.get_next = [](ArrowArrayStream* of, ArrowArray* out) {
        auto& c = *static_cast<arrow_stream_content*>(of->private_data);
        out->release = nullptr;
        return c.guarded([&] {
            if (c.parts.empty()) return;
            arrow_array_of(c.parts.front(), c.fields, c.form).move_to(out);
            c.parts.pop_front();
        });
    };
    s.get_last_error = [](ArrowArrayStream* of) -> const char* {
        const auto& c = *static_cast<const arrow_stream_content*>(of->private_data);
        return c.failure.empty() ? nullptr : c.failure.c_str();
    };
    s.release = [](ArrowArrayStream* released) {
        delete static_cast<arrow_stream_content*>(released->private_data);
        released->release = nullptr;
    };
    return stream;
}

}  // namespace SEGKIT_NAMESPACE::detail
