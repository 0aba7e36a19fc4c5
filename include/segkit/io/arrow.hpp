// segkit/io/arrow.hpp: Arrow data in and out through the C data and C stream interfaces, without Arrow itself.
//
//     auto busy = segkit::from_arrow_stream<sessions>(&in) | segkit::filter("clicks"_c > 3) | segkit::collect();
//     segkit::to_arrow_stream(std::move(busy), &out);       // to pyarrow, Polars, DuckDB, ...
//
// What arrives is read where it lies, without a copy, where segkit stores such values in the same way; a table that is moved
// out is handed over likewise. docs/arrow.md says what is copied or converted.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/io/detail/arrow_abi.hpp>
#include <segkit/io/detail/arrow_export.hpp>
#include <segkit/io/detail/arrow_source.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/table/schema.hpp>
#include <segkit/table/table.hpp>

namespace SEGKIT_NAMESPACE {

// What becomes of a field that says it may hold nulls where the column has none.
enum class arrow_nullable {
    checked,    // rows are checked: a null is an error that names field and row (most producers say it of every field)
    refused,    // the schema does not fit
};

// What becomes of the arrays of a stream.
enum class arrow_arrays {
    released,    // each as soon as its rows are through: memory stays small, and the rows can be read once
    kept,        // all are taken from the stream at once: rows can be read again, and their text is never copied
};

struct arrow_options {
    arrow_nullable nullable_fields = arrow_nullable::checked;
    arrow_arrays arrays = arrow_arrays::released;    // of a stream
};

// Rows of Arrow arrays; a `source`. Copies share the arrays, which are released with the last of them.
template <class Schema>
class arrow_rows {
public:
    using schema_type = Schema;

    explicit arrow_rows(std::shared_ptr<detail::arrow_input> input) : input_(std::move(input)) {}
    std::shared_ptr<row_source> open() const { return std::make_shared<detail::arrow_source<detail::arrow_input>>(input_); }

private:
    std::shared_ptr<detail::arrow_input> input_;
};

namespace detail {
template <class Schema>
std::shared_ptr<arrow_input> bound_arrow_input(const ArrowSchema& schema, const arrow_options& options, std::string_view stage) {
    (void)require_column_types(static_cast<Schema*>(nullptr));
    std::vector<arrow_column> wanted;
    for_each_field<Schema>::apply([&]<class Field>(Field*) {
        arrow_column& column = wanted.emplace_back();
        column.name = Field::name;
        column.type = slot_type_of<typename Field::type>;
        column.nullable = is_nullable<typename Field::type>;
    });
    auto input = std::make_shared<arrow_input>();
    input->columns = bind_arrow_schema(std::move(wanted), schema, {options.nullable_fields == arrow_nullable::refused}, stage);
    input->children = static_cast<std::size_t>(schema.n_children);
    return input;
}
}  // namespace detail

// The rows of one record batch (a struct array). Takes both structs, whatever happens: they are marked as released at once, and
// released when the last copy of the source is gone, or before an error is thrown. Columns are found by name; others are
// ignored. Throws one segkit::error that lists everything in which the schema does not fit.
template <class Schema>
arrow_rows<Schema> from_arrow(ArrowSchema* schema, ArrowArray* array, const arrow_options& options = {}) {
    const detail::arrow_owner<ArrowSchema> owned_schema(schema);
    detail::arrow_owner<ArrowArray> owned_array(array);
    if (!owned_schema || !owned_array) detail::throw_malformed_array("", "a struct that has been released", "one that has not");
    auto input = detail::bound_arrow_input<Schema>(*owned_schema, options, "from_arrow");
    input->hold(std::move(owned_array));
    return arrow_rows<Schema>(std::move(input));
}

// The rows of a stream of record batches. Takes the stream, whatever happens.
template <class Schema>
arrow_rows<Schema> from_arrow_stream(ArrowArrayStream* stream, const arrow_options& options = {}) {
    detail::arrow_owner<ArrowArrayStream> owned(stream);
    if (!owned) detail::throw_malformed_array("", "a stream that has been released", "one that has not");
    const detail::arrow_owner<ArrowSchema> schema = detail::schema_of_stream(owned);
    auto input = detail::bound_arrow_input<Schema>(*schema, options, "from_arrow_stream");
    input->stream = std::move(owned);
    input->streamed = options.arrays == arrow_arrays::released;
    if (!input->streamed)
        while (detail::arrow_owner<ArrowArray> array = input->next()) input->hold(std::move(array));
    return arrow_rows<Schema>(std::move(input));
}

// The same, giving the error back instead of throwing it.
template <class Schema>
result<arrow_rows<Schema>> try_from_arrow(ArrowSchema* schema, ArrowArray* array, const arrow_options& options = {}) {
    return try_call([&] { return from_arrow<Schema>(schema, array, options); });
}
template <class Schema>
result<arrow_rows<Schema>> try_from_arrow_stream(ArrowArrayStream* stream, const arrow_options& options = {}) {
    return try_call([&] { return from_arrow_stream<Schema>(stream, options); });
}

// How text is called on the other side.
enum class arrow_text {
    utf8,      // large_utf8: checked, since Arrow promises that its text is UTF-8
    binary,    // large_binary: any bytes
};

struct arrow_export_options {
    std::string time_zone = "UTC";    // that timestamps are shown in over there; "" makes them local times without a zone
    arrow_text text = arrow_text::utf8;
};

namespace detail {
template <class Schema>
std::vector<arrow_field> arrow_fields_of() {
    std::vector<arrow_field> fields;
    for_each_field<Schema>::apply([&]<class Field>(Field*) { fields.push_back({Field::name, type_id_of<typename Field::type>, is_nullable<typename Field::type>}); });
    return fields;
}
inline arrow_form arrow_form_of(const arrow_export_options& options) { return {options.time_zone, options.text == arrow_text::binary}; }

template <class T>
struct table_schema {};
template <class Schema>
struct table_schema<table<Schema>> {
    using type = Schema;
};
template <class T>
concept a_table = requires { typename table_schema<T>::type; };
template <class T>
struct shared_table_schema {};
template <class T>
struct shared_table_schema<std::shared_ptr<T>> : table_schema<std::remove_const_t<T>> {};
template <class T>
concept a_shared_table = requires { typename shared_table_schema<T>::type; };
template <class T>
concept arrow_exportable = a_shared_table<T> || row_input<T>;

template <arrow_exportable T>
struct exported_schema {
    using type = schema_of<T>;
};
template <a_shared_table T>
struct exported_schema<T> : shared_table_schema<T> {};

// The rows of any input as columns that can be shared: a table that may be moved from gives its own, one that stays shares them,
// and everything else is collected.
template <class T>
std::shared_ptr<const table_data> shared_rows(T&& rows, executor_ref executor) {
    using Input = std::remove_cvref_t<T>;
    if constexpr (a_shared_table<Input>) {
        return {rows, &rows->data()};
    } else if constexpr (a_table<Input>) {
        return std::make_shared<const table_data>(std::forward<T>(rows).data());
    } else {
        return std::make_shared<const table_data>(collect_table(as_query(std::forward<T>(rows)).bind(), executor));
    }
}

struct arrow_part_context {
    const std::vector<arrow_field>& fields;
    const std::vector<int>& outputs;
};
template <class Rows>
class arrow_part_worker final : public morsel_worker {
public:
    arrow_part_worker(Rows& rows, const arrow_part_context& context) : rows_(rows), outputs_(context.outputs) {
        for (const arrow_field& f : context.fields) rows_.columns.emplace_back(f.type, f.nullable);
    }
    void take(const chunk& c) override {
        for (std::size_t i = 0; i < outputs_.size(); ++i) append_slot(rows_.columns[i], c, c.slots[static_cast<std::size_t>(outputs_[i])]);
        rows_.rows += c.selected;
    }

private:
    Rows& rows_;
    const std::vector<int>& outputs_;
};

// The rows of a query in the parts that they were computed in. All parts of a category have one dictionary.
template <class Relation>
std::vector<table_data> collected_parts(const Relation& r, const std::vector<arrow_field>& fields, executor_ref executor) {
    state_per_morsel<table_data, arrow_part_worker<table_data>, arrow_part_context> parts({fields, r.slot_of});
    r.plan.run(r.slot_of, executor, parts);
    std::vector<table_data> rows;
    parts.in_order([&](table_data& part) {
        if (part.rows) rows.push_back(std::move(part));
    });
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].type != type_id::category) continue;
        const auto all = std::make_shared<category_dictionary>();
        for (table_data& part : rows) {
            column_data& column = part.columns[i];
            column.translate_codes(all->add(column.texts()), 0, column);
            column.dictionary = all;
        }
    }
    return rows;
}
}  // namespace detail

// Rows as one record batch (a struct array) that owns them. `rows` is a table, moved in or shared as
// std::shared_ptr<const table>: then nothing is copied but bool columns; or a table by reference, which is shared; or a query,
// which is run. Where it throws, both structs are marked as released.
template <class T>
    requires detail::arrow_exportable<std::remove_cvref_t<T>>
void to_arrow(T&& rows, ArrowSchema* schema, ArrowArray* array, const arrow_export_options& options = {}, executor_ref executor = detail::default_executor) {
    schema->release = nullptr;
    array->release = nullptr;
    const std::vector<detail::arrow_field> fields = detail::arrow_fields_of<typename detail::exported_schema<std::remove_cvref_t<T>>::type>();
    const detail::arrow_form form = detail::arrow_form_of(options);
    const std::shared_ptr<const table_data> data = detail::shared_rows(std::forward<T>(rows), executor);
    detail::arrow_owner<ArrowArray> made = detail::arrow_array_of(data, fields, form);
    detail::arrow_schema_of(fields, detail::widths_of(*data), form).move_to(schema);
    made.move_to(array);
}

// Rows as a stream of record batches. A query is run at the call, with exceptions as everywhere; its result is handed out in the
// pieces that it was computed in, without joining them.
template <class T>
    requires detail::arrow_exportable<std::remove_cvref_t<T>>
void to_arrow_stream(T&& rows, ArrowArrayStream* stream, const arrow_export_options& options = {}, executor_ref executor = detail::default_executor) {
    stream->release = nullptr;
    auto content = std::make_unique<detail::arrow_stream_content>();
    content->fields = detail::arrow_fields_of<typename detail::exported_schema<std::remove_cvref_t<T>>::type>();
    content->form = detail::arrow_form_of(options);
    content->widths.assign(content->fields.size(), 1);
    using Input = std::remove_cvref_t<T>;
    if constexpr (detail::a_shared_table<Input> || detail::a_table<Input>) {
        content->parts.push_back(detail::shared_rows(std::forward<T>(rows), executor));
    } else {
        const auto r = detail::as_query(std::forward<T>(rows)).bind();
        for (table_data& part : detail::collected_parts(r, content->fields, executor)) content->parts.push_back(std::make_shared<const table_data>(std::move(part)));
    }
    for (const auto& part : content->parts)
        if (part->rows) content->widths = detail::widths_of(*part);
    detail::make_arrow_stream(std::move(content)).move_to(stream);
}

}  // namespace SEGKIT_NAMESPACE
