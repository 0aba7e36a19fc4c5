#include "segkit_all_headers.hpp"

#include <typeinfo>

const std::type_info& error_type_of_the_other_unit() { return typeid(segkit::error); }
