// What mixed_flags_unit.cpp tells about itself, once per set of flags it is compiled with.
#pragma once

#include <string>

struct unit_facts {
    std::string error_type;   // the mangled name of segkit::error as this file sees it
    double result = 0;        // a computation through the library
};

unit_facts facts_of_plain();
unit_facts facts_of_avx2();
