// iqr_pca_features.hpp: the five figures of the IQR-and-PCA recipe, from raw rows or from the published table.
#pragma once

#include <cstdint>
#include <string>

#include <segkit/exec/executor.hpp>

#include "../cohort.hpp"
#include "../run_options.hpp"
#include "../segments.hpp"

namespace traveltide {

namespace tables {

using iqr_pca_features = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"age", double>,
    sk::field<"gender_code", double>,     // F 0, M 1, O 2
    sk::field<"married", double>,         // 0 or 1
    sk::field<"has_children", double>,
    sk::field<"hotel_spend", double>>;    // 0 without a stay

using iqr_pca_profiles = sk::schema<
    sk::field<"segment", sk::text>,
    sk::field<"customers", std::int64_t>,
    sk::field<"age_mean", double>,
    sk::field<"age_median", double>,
    sk::field<"married_mean", double>,
    sk::field<"has_children_mean", double>,
    sk::field<"hotel_spend_mean", double>,
    sk::field<"hotel_spend_median", double>,
    sk::field<"share", double>>;

}  // namespace tables

// From raw rows the hotel spend is that of completed trips.
sk::table<tables::iqr_pca_features> iqr_pca_features(const sk::table<tables::customers>& customers, const sk::table<tables::trips>& trips, sk::executor_ref executor);

// From the published customers table (.csv or .csv.gz).
sk::table<tables::iqr_pca_features> read_iqr_pca_features(const std::string& file, sk::executor_ref executor);

// One row a segment, the largest first: what can be said of segments without raw rows.
sk::table<tables::iqr_pca_profiles> profile_iqr_pca(const sk::table<tables::iqr_pca_features>& features, const sk::table<tables::assignments>& assigned,
                                                    sk::executor_ref executor);

}  // namespace traveltide
