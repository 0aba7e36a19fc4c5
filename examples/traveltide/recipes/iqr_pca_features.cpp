#include "iqr_pca_features.hpp"

#include <optional>

#include <segkit/query.hpp>

#include "../user_table.hpp"

namespace traveltide {

namespace {

using published_customers = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"age", double>,
    sk::field<"gender", sk::text>,
    sk::field<"married", bool>,
    sk::field<"has_children", bool>,
    sk::field<"money_spent_hotel", std::optional<double>>>;

// Who somebody is, as numbers.
const auto coded = sk::derive("gender_code"_c = sk::when("gender"_c == "F", 0.0).when("gender"_c == "M", 1.0).otherwise(2.0))
    | sk::replace("married"_c = sk::to_double("married"_c), "has_children"_c = sk::to_double("has_children"_c));

const auto figures = sk::select("user_id"_c, "age"_c, "gender_code"_c, "married"_c, "has_children"_c, "hotel_spend"_c);

}  // namespace

sk::table<tables::iqr_pca_features> iqr_pca_features(const sk::table<tables::customers>& customers, const sk::table<tables::trips>& trips, sk::executor_ref executor) {
    const auto spend = trips | completed() | sk::group_by("user_id"_c).aggregate("hotel_spend"_c = sk::sum("stay_usd"_c));
    return customers
        | sk::left_join(spend, "user_id"_c, sk::one_match)
        | sk::replace("age"_c = sk::to_double("age"_c), "hotel_spend"_c = sk::coalesce("hotel_spend"_c, 0.0))
        | coded
        | figures
        | sk::collect(executor);
}

sk::table<tables::iqr_pca_features> read_iqr_pca_features(const std::string& file, sk::executor_ref executor) {
    return read_user_table<published_customers>(file, executor)
        | sk::derive("hotel_spend"_c = sk::coalesce("money_spent_hotel"_c, 0.0))
        | coded
        | figures
        | sk::collect(executor);
}

sk::table<tables::iqr_pca_profiles> profile_iqr_pca(const sk::table<tables::iqr_pca_features>& features, const sk::table<tables::assignments>& assigned,
                                                    sk::executor_ref executor) {
    const double all_customers = static_cast<double>(features.rows());
    return features
        | sk::inner_join(assigned, "user_id"_c, sk::one_match)
        | sk::group_by("segment"_c).aggregate(
              "customers"_c          = sk::count(),
              "age_mean"_c           = sk::mean("age"_c),
              "age_median"_c         = sk::median("age"_c),
              "married_mean"_c       = sk::mean("married"_c),
              "has_children_mean"_c  = sk::mean("has_children"_c),
              "hotel_spend_mean"_c   = sk::mean("hotel_spend"_c),
              "hotel_spend_median"_c = sk::median("hotel_spend"_c))
        | sk::derive("share"_c = "customers"_c / all_customers)
        | sk::sort_by(sk::descending("customers"_c), "segment"_c)
        | sk::collect(executor);
}

}  // namespace traveltide
