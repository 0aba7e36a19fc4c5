// segkit/prepare.hpp: the preparation stages.
#pragma once

#include <segkit/prepare/iqr.hpp>
#include <segkit/prepare/scale.hpp>
