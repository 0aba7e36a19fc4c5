// With two_units_other.cpp: two files that include every header of segkit link into one program and agree on the library.
#include "segkit_all_headers.hpp"

#include <cstdio>
#include <typeinfo>

const std::type_info& error_type_of_the_other_unit();

int main() {
    if (error_type_of_the_other_unit() == typeid(segkit::error)) return 0;
    std::puts("two files of one program see different classes segkit::error");
    return 1;
}
