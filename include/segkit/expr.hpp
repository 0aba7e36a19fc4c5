// segkit/expr.hpp: everything to write expressions with.
#pragma once

#include <segkit/expr/column.hpp>
#include <segkit/expr/geo.hpp>
#include <segkit/expr/math.hpp>
#include <segkit/expr/nulls.hpp>
#include <segkit/expr/operators.hpp>
#include <segkit/expr/time.hpp>
