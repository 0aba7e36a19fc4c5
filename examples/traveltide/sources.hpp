// sources.hpp: where the four tables come from: a folder with users, sessions, flights and hotels as .csv or .csv.gz.
//
//     const company_source company = open_company("data");       // nothing is read yet, but all four files are there
//     company.sessions | sk::filter(...) | sk::collect();
#pragma once

#include <string>

#include <segkit/io/csv.hpp>

#include "tables.hpp"

namespace traveltide {

// Four scans; each reads its file when it runs, and may run again.
struct company_source {
    sk::csv_scan<tables::users> users;
    sk::csv_scan<tables::sessions> sessions;
    sk::csv_scan<tables::flights> flights;
    sk::csv_scan<tables::hotels> hotels;

    // The files' paths, for messages.
    std::string users_file, sessions_file, flights_file, hotels_file;
};

// Throws segkit::error (cannot_open) when the folder or one of its files is not there; all missing files are named at once.
company_source open_company(const std::string& source);

}  // namespace traveltide
