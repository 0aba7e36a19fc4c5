#include "command_line.hpp"

int main(int argc, char** argv) { return traveltide::command_line(argc, argv); }
