// segkit/prepare.hpp: the preparation stages.
#pragma once

#include <segkit/prepare/impute.hpp>
#include <segkit/prepare/inverse.hpp>
#include <segkit/prepare/iqr.hpp>
#include <segkit/prepare/log1p_scale.hpp>
#include <segkit/prepare/one_hot.hpp>
#include <segkit/prepare/ordinal.hpp>
#include <segkit/prepare/percentile_rank.hpp>
#include <segkit/prepare/quantile_scale.hpp>
#include <segkit/prepare/scale.hpp>
#include <segkit/prepare/winsorize.hpp>
#include <segkit/prepare/zscore.hpp>
