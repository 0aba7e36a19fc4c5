// segkit/query.hpp: the relational stages, with expressions and collect.
#pragma once

#include <segkit/expr.hpp>
#include <segkit/pipeline/collect.hpp>
#include <segkit/query/derive.hpp>
#include <segkit/query/filter.hpp>
#include <segkit/query/group_by.hpp>
#include <segkit/query/join.hpp>
#include <segkit/query/replace.hpp>
#include <segkit/query/select.hpp>
#include <segkit/query/sort.hpp>
