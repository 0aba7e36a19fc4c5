// behaviour_segments.hpp: groups of customers by what they do, named from what sets each apart.
//
// Standard scaling, principal components that keep 90 % of the variance, k-means; the number of clusters is the one asked for
// or that of the highest silhouette. Customers without a booking have no behaviour to compare and are a group of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <segkit/exec/executor.hpp>

#include "../customers.hpp"
#include "../report_data.hpp"

namespace traveltide {

namespace tables {

using behaviour_segments = sk::schema<
    sk::field<"user_id", std::int64_t>,
    sk::field<"segment", sk::text>,
    sk::field<"pc_1", std::optional<double>>,     // null without a booking
    sk::field<"pc_2", std::optional<double>>>;

}  // namespace tables

struct behaviour_grouping {
    sk::table<tables::behaviour_segments> customers;
    model_quality quality;
    std::vector<std::string> notes;    // what the fit has to say
};

behaviour_grouping group_by_behaviour(const sk::table<tables::customers>& customers, std::optional<std::size_t> n_clusters, std::uint64_t seed, sk::executor_ref executor);

}  // namespace traveltide
