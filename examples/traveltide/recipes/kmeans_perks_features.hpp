// kmeans_perks_features.hpp: the five figures of the k-means-on-perks recipe, from raw rows or from the published table.
#pragma once

#include <cstdint>
#include <string>

#include <segkit/exec/executor.hpp>

#include "../cohort.hpp"
#include "../segments.hpp"

namespace traveltide {

namespace tables {

using kmeans_perks_features = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"conversion", double>,      // session rows with a trip, of all
    sk::field<"has_children", double>,    // 0 or 1
    sk::field<"cancelled", double>,       // cancellation rows, of those with a trip
    sk::field<"age", double>,
    sk::field<"bags", double>>;           // over all session rows

using kmeans_perks_profiles = sk::schema<
    sk::field<"segment", sk::text>,
    sk::field<"customers", std::int64_t>,
    sk::field<"conversion_mean", double>,
    sk::field<"conversion_median", double>,
    sk::field<"has_children_mean", double>,
    sk::field<"cancelled_mean", double>,
    sk::field<"cancelled_median", double>,
    sk::field<"age_mean", double>,
    sk::field<"age_median", double>,
    sk::field<"bags_mean", double>,
    sk::field<"bags_median", double>,
    sk::field<"share", double>>;

}  // namespace tables

sk::table<tables::kmeans_perks_features> kmeans_perks_features(const cohort& c, sk::date reference_date, sk::executor_ref executor);

// From the published metrics table (.csv or .csv.gz).
sk::table<tables::kmeans_perks_features> read_kmeans_perks_features(const std::string& file, sk::executor_ref executor);

// One row a segment, the largest first: what can be said of segments without raw rows.
sk::table<tables::kmeans_perks_profiles> profile_kmeans_perks(const sk::table<tables::kmeans_perks_features>& features, const sk::table<tables::assignments>& assigned,
                                                              sk::executor_ref executor);

}  // namespace traveltide
