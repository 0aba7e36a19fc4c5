// segkit/pipeline/explain.hpp: what a query will do, as text, without doing it.
//
//     std::puts(segkit::explain(sessions | filter("clicks"_c > 3) | group_by("user_id"_c).aggregate("n"_c = count())).c_str());
//
//     pass 1: table of 5998 rows
//       reads clicks, then user_id of the rows that pass
//       filter: at most 5998 rows are left
//       into group_by, which keeps its groups
//     pass 2: group_by of table of 5998 rows, at most 5998 rows
//       reads user_id, n
//       into the result
//
// A pass reads its source once from end to end; row-local stages run inside it. What is kept in memory stands behind "into".
// Of rows that are filtered, joined to one match or grouped it is said how many there are at most, where that is known.
// Of a file the rows are estimated ("csv sessions.csv, about 5400000 rows") by its size and the rows at its beginning.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// (A template only so that it is compiled where it is used.)
template <class Plan>
class explanation {
public:
    // So many rows at most; `about` where that is an estimate.
    struct bound {
        std::size_t rows = 0;
        bool about = false;
    };

    // The passes that `rows` needs before its own, and its own; how many rows come out of it.
    std::optional<bound> add(const Plan& rows, const std::vector<int>& outputs, const std::string& into) {
        const auto program = plan_pass<Plan>::compile(rows, outputs);
        const std::vector<pass_input> inputs = rows.source()->inputs(program.needed);
        std::optional<bound> most;
        if (!inputs.empty()) most.emplace();
        for (const pass_input& input : inputs) {
            const std::optional<bound> of_input = given_of(input, add(*input.rows, input.slots, input.keeps));
            if (!of_input) most.reset();
            else if (most) most = bound{most->rows + of_input->rows, most->about || of_input->about};
        }
        std::vector<pass_input> of_steps;
        for (std::size_t i = program.steps.size(); i-- > 0;) {    // from the end: readers say first what they want
            auto of_step = program.steps[i]->inputs();
            of_steps.insert(of_steps.begin(), std::make_move_iterator(of_step.begin()), std::make_move_iterator(of_step.end()));
        }
        for (const pass_input& input : of_steps) add(*input.rows, input.slots, input.keeps);

        text_ += "pass " + std::to_string(++passes_) + ": " + rows.source()->describe();
        const bool is_computed = !inputs.empty();
        if (!is_computed) most = rows_of(*rows.source());
        if (most && is_computed) text_ += ", at most " + in_words(*most);
        else if (most && most->about) text_ += ", " + in_words(*most);
        text_ += '\n';
        text_ += "  reads " + columns(rows, program) + '\n';
        std::string steps;
        bool dropped = false;
        for (const step* s : program.steps) {
            dropped = dropped || s->drops_rows();
            if (s->word().empty()) continue;
            steps += (steps.empty() ? "  " : ", ") + std::string(s->word());
        }
        if (most && dropped && !is_computed) steps += ": at most " + in_words(*most) + (most->rows == 1 ? " is left" : " are left");
        if (!steps.empty()) text_ += steps + '\n';
        text_ += "  into " + into + '\n';
        return most;
    }
    std::string take() { return std::move(text_); }

private:
    // The rows of a source that reads no others: counted, or estimated.
    static std::optional<bound> rows_of(const row_source& rows) {
        if (const auto counted = rows.row_count()) return bound{*counted, false};
        if (const auto estimated = rows.estimated_rows()) return bound{*estimated, true};
        return std::nullopt;
    }
    // What a source has of one of its inputs.
    static std::optional<bound> given_of(const pass_input& input, const std::optional<bound>& there_are) {
        if (!input.most_rows) return std::nullopt;
        if (there_are && there_are->rows < *input.most_rows) return bound{std::max(there_are->rows, input.least_rows), there_are->about};
        if (*input.most_rows == pass_input::all_of_them) return std::nullopt;
        return bound{*input.most_rows, false};
    }
    // Two digits of an estimate.
    static std::string in_words(const bound& most) {
        std::size_t unit = 1;
        while (most.about && most.rows / unit >= 100) unit *= 10;
        return (most.about ? "about " : "") + std::to_string((most.rows + unit / 2) / unit * unit) + (most.rows == 1 ? " row" : " rows");
    }

    // The columns of the source in the order in which they are read: those that a later stage reads are read only of rows that
    // got so far, where the source can.
    template <class Program>
    static std::string columns(const Plan& rows, const Program& program) {
        std::string all;
        for (std::size_t stage = 0; stage <= program.stage_ends.size(); ++stage) {
            std::string these;
            for (const auto& [slot, column] : program.pushed)
                if (program.stage_of[column] == stage) these += (these.empty() ? "" : ", ") + std::string(rows.at(static_cast<int>(slot)).name);
            if (these.empty()) continue;
            all += all.empty() ? these : ", then " + these + " of the rows that pass";
        }
        return all.empty() ? "no column" : all;
    }

    std::string text_;
    std::size_t passes_ = 0;
};

}  // namespace detail

// The passes of a query, one paragraph each, in the order in which they run. Nothing is read but the beginning of a CSV file.
template <class T>
    requires row_input<std::remove_cvref_t<T>>
std::string explain(T&& input) {
    const auto r = detail::as_query(std::forward<T>(input)).bind();
    std::string into = "the result";
    detail::for_each_field<typename std::remove_cvref_t<decltype(r)>::schema_type>::apply([&]<class Field>(Field*) {
        if (type_id_of<typename Field::type> == type_id::category) into += std::string(into.size() > 10 ? ", " : ", which codes ") + std::string(Field::name);
    });
    detail::explanation<plan> e;
    e.add(r.plan, r.slot_of, into);
    return e.take();
}

}  // namespace SEGKIT_NAMESPACE
