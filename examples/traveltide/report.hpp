#pragma once
// The report for marketing: one self-contained HTML file that opens offline, on a phone, in the dark and on paper.
// Fill a report_data from a run and write what render_report gives to a file. Sections without data vanish, with their
// entry in the contents. Cost: linear in what is shown; the map of customers is thinned, and says so.

#include "report_data.hpp"

#include <string>
#include <string_view>

namespace traveltide {

enum class verdict { supported, partly_supported, not_supported, not_evaluated };

/// The verdict follows from the three answers and from nothing else: supported = all three passed; partly = shown and
/// distinct; not = otherwise. An absent answer that could change the verdict makes it "not evaluated yet".
verdict verdict_of(const perk_result& perk);

/// "supported", "partly supported", "not supported", "not evaluated yet".
std::string_view verdict_words(verdict value);

/// The perk's own sentence, or one plain sentence written from its three answers.
std::string support_sentence(const perk_result& perk);

/// What the five verdicts say together, in one sentence; empty without perks.
std::string overall_sentence(const report_data& data);

/// The run's own action, or the one that follows from the verdicts; empty without perks.
recommended_action action_of(const report_data& data);

/// The whole page.
std::string render_report(const report_data& data);

}  // namespace traveltide
