// segkit/prepare/detail/map_matrix.hpp: every feature of a matrix through a map of its own, in place or into another matrix.
//
//     map_matrix("winsorize", bounds.columns, rows, out, executor, [](const clip_bound& bound, double value) { return bound.transform(value); })
//
// Blocks of rows in parallel; computed in double for points in float too. `out` may be `rows` itself, and nothing else that overlaps it.
#pragma once

#include <cstddef>
#include <string_view>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE::detail {

template <class Maps, class T, class Map>
void map_matrix(std::string_view stage, const Maps& maps, matrix_view<const T> rows, matrix_view<T> out, executor_ref executor, Map map) {
    require_width(stage, rows.columns, maps.size());
    SEGKIT_ASSERT(out.rows == rows.rows && out.columns == rows.columns);
    const row_blocks blocks(rows.rows);
    executor.run(blocks.count(), [&](std::size_t b) {
        for (std::size_t i = blocks.first(b); i < blocks.first(b) + blocks.length(b); ++i)
            for (std::size_t j = 0; j < maps.size(); ++j) out(i, j) = static_cast<T>(map(maps[j], static_cast<double>(rows(i, j))));
    });
}

}  // namespace SEGKIT_NAMESPACE::detail
