// expect: a text column must return text that lives as long as the table
// expect: text_column_by_value
// expect: "label"
#include <string>
#include <vector>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

struct numbered {
    std::size_t rows;
};
struct labels_of_rows {
    std::string operator[](std::size_t row) const { return "row " + std::to_string(row); }
};
template <>
struct segkit::table_traits<numbered> {
    using schema_type = sk::schema<sk::field<"label", sk::text>>;
    static std::size_t rows(const numbered& n) { return n.rows; }
    template <sk::fixed_string>
    static labels_of_rows column(const numbered&) {
        return {};
    }
};

auto kept(const numbered& n) { return n | sk::filter("label"_c != "row 3") | sk::collect(); }
