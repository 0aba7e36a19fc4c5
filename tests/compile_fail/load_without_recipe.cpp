// expect: this stage holds expressions, which are code and not in the file
// expect: segkit::load(path, recipe)
#include <segkit/query.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/prepare.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

const auto recipe = sk::filter("clicks"_c > 0) | sk::standard_scale(sk::columns("clicks"_c));

auto again() {
    return sk::load<sk::model_of<decltype(recipe)>>("model.json");
}
