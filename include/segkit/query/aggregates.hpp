// segkit/query/aggregates.hpp: what can be computed of a group, for group_by(...).aggregate(...) and aggregate(...).
//
//     basic.hpp      count  count_if  sum  mean  stddev  variance  any  all  share
//     order.hpp      min  max  first  last  nth
//     pairs.hpp      min_by  max_by  covariance  correlation
//     distinct.hpp   count_distinct  mode
//     quantiles.hpp  median  quantile  quantiles
//     to_list.hpp    to_list
//
// and, to be included by name: aggregates/approximate.hpp (approx_quantile).
//
// Each takes .where(condition); aggregate.hpp says how to write one of your own. Nulls are skipped. Over no values counts give 0,
// every other null; the column is nullable only where that can happen.
#pragma once

#include <segkit/query/aggregates/aggregate.hpp>
#include <segkit/query/aggregates/basic.hpp>
#include <segkit/query/aggregates/distinct.hpp>
#include <segkit/query/aggregates/order.hpp>
#include <segkit/query/aggregates/pairs.hpp>
#include <segkit/query/aggregates/quantiles.hpp>
#include <segkit/query/aggregates/to_list.hpp>
