#include "kmeans_perks_features.hpp"

#include <segkit/query.hpp>

#include "../user_table.hpp"

namespace traveltide {

namespace {

using published_metrics = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"Conversion rate", double>,
    sk::field<"Has kids?", double>,
    sk::field<"% of Trips Cancelled", double>,
    sk::field<"User Age", double>,
    sk::field<"Bag count", double>>;

}  // namespace

sk::table<tables::kmeans_perks_features> kmeans_perks_features(const cohort& c, sk::date reference_date, sk::executor_ref executor) {
    const auto behaviour = c.sessions
        | sk::left_join(c.flights | sk::select("trip_id"_c, "checked_bags"_c), "trip_id"_c, sk::one_match)
        | sk::group_by("user_id"_c).aggregate(
              "rows"_c          = sk::count(),
              "with_trip"_c     = sk::count("trip_id"_c),
              "cancellations"_c = sk::count_if("cancellation"_c),
              "bag_sum"_c       = sk::sum("checked_bags"_c));
    return c.users
        | sk::select("user_id"_c, "birthdate"_c, "has_children"_c)
        | sk::inner_join(behaviour, "user_id"_c, sk::one_match)
        | sk::replace("has_children"_c = sk::to_double("has_children"_c))
        | sk::derive(
              "conversion"_c   = "with_trip"_c / "rows"_c,
              "cancelled"_c    = sk::coalesce("cancellations"_c / sk::null_if_zero("with_trip"_c), 0.0),
              "age"_c          = sk::to_double(sk::completed_years("birthdate"_c, reference_date)),
              "bags"_c         = sk::coalesce(sk::to_double("bag_sum"_c), 0.0))
        | sk::select("user_id"_c, "conversion"_c, "has_children"_c, "cancelled"_c, "age"_c, "bags"_c)
        | sk::collect(executor);
}

sk::table<tables::kmeans_perks_features> read_kmeans_perks_features(const std::string& file, sk::executor_ref executor) {
    return read_user_table<published_metrics>(file, executor)
        | sk::rename("conversion"_c = "Conversion rate"_c, "has_children"_c = "Has kids?"_c, "cancelled"_c = "% of Trips Cancelled"_c, "age"_c = "User Age"_c,
                     "bags"_c = "Bag count"_c)
        | sk::collect(executor);
}

sk::table<tables::kmeans_perks_profiles> profile_kmeans_perks(const sk::table<tables::kmeans_perks_features>& features, const sk::table<tables::assignments>& assigned,
                                                              sk::executor_ref executor) {
    const double all_customers = static_cast<double>(features.rows());
    return features
        | sk::inner_join(assigned, "user_id"_c, sk::one_match)
        | sk::group_by("segment"_c).aggregate(
              "customers"_c         = sk::count(),
              "conversion_mean"_c   = sk::mean("conversion"_c),
              "conversion_median"_c = sk::median("conversion"_c),
              "has_children_mean"_c = sk::mean("has_children"_c),
              "cancelled_mean"_c    = sk::mean("cancelled"_c),
              "cancelled_median"_c  = sk::median("cancelled"_c),
              "age_mean"_c          = sk::mean("age"_c),
              "age_median"_c        = sk::median("age"_c),
              "bags_mean"_c         = sk::mean("bags"_c),
              "bags_median"_c       = sk::median("bags"_c))
        | sk::derive("share"_c = "customers"_c / all_customers)
        | sk::sort_by(sk::descending("customers"_c), "segment"_c)
        | sk::collect(executor);
}

}  // namespace traveltide
