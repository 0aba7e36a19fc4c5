// command_line.hpp: `traveltide run | recipes | generate`. Exit codes: 0 done, 1 bad input, 2 bad usage.
#pragma once

namespace traveltide {

int command_line(int argc, const char* const* argv);

}  // namespace traveltide
