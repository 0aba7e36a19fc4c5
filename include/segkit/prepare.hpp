// segkit/prepare.hpp: the preparation stages.
#pragma once

#include <segkit/prepare/iqr.hpp>
#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/prepare/scale.hpp>
