// segkit/cluster/detail/resident_lloyd.hpp: Lloyd's iteration over a matrix in memory.
//
// Between passes every block of rows keeps its labels and sums, and a pass moves only the rows whose label changed from one sum to the
// other. Such sums have roundings that depend on the way: the last centres come from sums made afresh, in one order, so that they are
// those of estimate_state over the matrix, and equal clusters have equal centres. Labels are found by coarse points and, in doubt,
// exactly: the same labels in any case. The inertia on the way follows from the sums; that of the final centres is summed exactly.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <segkit/cluster/detail/lloyd.hpp>
#include <segkit/cluster/detail/tiles.hpp>
#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/simd/marked_places.hpp>
#include <segkit/simd/row_sums.hpp>

namespace SEGKIT_NAMESPACE::detail {

// Told of every assignment; false ends the iteration with the best so far.
class lloyd_observer {
public:
    virtual ~lloyd_observer() = default;
    virtual bool after(const lloyd_iterate& iterate) = 0;
};

// Rows to move, in order. Memory that nothing was written to is not touched.
class move_list {
public:
    explicit move_list(std::size_t expected) : values_(std::make_unique_for_overwrite<row_move[]>(expected)), capacity_(expected) {}

    row_move* begin() { return values_.get(); }
    row_move* end() { return values_.get() + size_; }
    std::size_t size() const { return size_; }
    // Where the next ones go; as many as are written up to end_at().
    row_move* room_for(std::size_t more) {
        if (size_ + more > capacity_) grow(more);
        return end();
    }
    void end_at(row_move* end) { size_ = static_cast<std::size_t>(end - begin()); }

private:
    void grow(std::size_t more) {
        const std::size_t capacity = 2 * capacity_ + more;
        auto values = std::make_unique_for_overwrite<row_move[]>(capacity);
        std::copy(begin(), end(), values.get());
        values_ = std::move(values);
        capacity_ = capacity;
    }

    std::unique_ptr<row_move[]> values_;
    std::size_t capacity_;
    std::size_t size_ = 0;
};

template <class T, class Label>
class resident_lloyd {
public:
    explicit resident_lloyd(const tiled_matrix<T>& points, std::size_t k)
        : points_(points),
          k_(k),
          d_(points.columns()),
          blocks_(points.rows()),
          labels_(take_memory<Label>(whole_tiles(points.rows()))),
          states_(blocks_.count(), empty_lloyd_state(k_, d_)),
          total_(states_[0]),
          squares_(blocks_.count()),
          changed_(blocks_.count()),
          doubts_(blocks_.count()) {}

    lloyd_iterate to_end(lloyd_iterate iterate, executor_ref executor, lloyd_observer* observer) {
        while (!iterate.done) {
            if (iterate.repairing) {
                const lloyd_state far = farthest(iterate, executor);
                iterate = lloyd::step(std::move(iterate), far);
                continue;
            }
            const std::size_t moved = assign(iterate, iterate.final_pass, executor);
            if (sums_drifted_ && !iterate.final_pass) {
                if (moved == 0) {
                    sum_afresh(iterate, executor);
                    if (lloyd::recentre(iterate, total_)) continue;
                } else if (iterate.iteration + 1 >= iterate.spec.max_iter) {
                    sum_afresh(iterate, executor);
                }
            }
            if (!iterate.final_pass && lloyd::is_settled(iterate, total_)) assign(iterate, true, executor);
            else if (!iterate.final_pass) estimate_inertia(iterate);
            iterate.moved_history.push_back(moved);
            iterate = lloyd::step(std::move(iterate), total_);
            if (observer && !observer->after(iterate) && !iterate.done) {
                iterate.repairing = false;
                iterate.gave_up = true;
                iterate.final_pass = true;
                iterate.reason = kmeans_stop::cancelled;
            }
            if (sums_drifted_ && iterate.final_pass && !iterate.done) {
                sum_afresh(iterate, executor);
                lloyd::recentre(iterate, total_);
            }
        }
        return iterate;
    }

    // The cluster of every row, into as many numbers.
    void copy_labels(std::int32_t* to, executor_ref executor) const {
        executor.run(blocks_.count(), [&](std::size_t b) { copy_labels(b, to + blocks_.first(b)); });
    }

private:
    // From here on an exact distance to every centre costs more than coarse labels and one distance.
    static constexpr std::size_t many_centres = 24;

    static std::size_t whole_tiles(std::size_t rows) { return (rows + tile_rows - 1) / tile_rows * tile_rows; }

    // How many rows changed their cluster; all of them the first time. `exactly` sums the inertia as well.
    std::size_t assign(const lloyd_iterate& iterate, bool exactly, executor_ref executor) {
        const nearest_centre<T> centres(iterate.spec.centres, k_, d_);
        prepare(iterate);
        executor.run(blocks_.count(), [&](std::size_t b) { assign_block(iterate, centres, exactly, b); });
        std::size_t changed = 0, doubts = 0;
        for (std::size_t b = 0; b < blocks_.count(); ++b) {
            changed += changed_[b];
            doubts += doubts_[b];
        }
        if (doubts > points_.rows() / 8) exact_only_ = true;
        sums_drifted_ = sums_drifted_ || (labelled_ && changed > 0);
        labelled_ = true;
        merge(executor);
        return changed;
    }

    void assign_block(const lloyd_iterate& iterate, const nearest_centre<T>& centres, bool exactly, std::size_t b) {
        states_[b].inertia = 0;
        move_list moves(changed_[b] + tile_rows);    // as many as the last time
        if ((exactly && k_ < many_centres) || !label_coarsely(centres, b, moves)) {
            states_[b].inertia = label_exactly(centres, b, moves);
            doubts_[b] = 0;
        } else if (exactly) {
            states_[b].inertia = inertia_of_labels(iterate, b);
        }
        if (!labelled_) {
            states_[b].rows = blocks_.length(b);
            sum_block_afresh(iterate, b);
            changed_[b] = blocks_.length(b);
            return;
        }
        changed_[b] = moves.size();
        if (moves.size() > 0) move_rows(iterate, b, moves);
    }

    // Notes the rows of block b that are marked in some tiles, of which the first begins at this row of the block, as moves from one label to
    // the other, and has them fetched: they are read when all moves are known.
    template <std::size_t Most>
    void note_moves(std::size_t b, std::size_t first, const std::uint64_t (&marks)[Most], std::size_t tiles, const Label* before, const Label* now, move_list& moves) const {
        std::uint32_t marked[Most * tile_rows + marked_room];
        const std::size_t count = marked_places_for(simd_level())(marks, tiles, marked);
        const matrix_view<const T> rows = points_.view();
        const T* const values = rows.values + (blocks_.first(b) + first) * rows.row_stride;
        row_move* const out = moves.room_for(count);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t place = place_of_marked(marked[i]), row = row_of_marked(marked[i]);
            out[i] = {static_cast<std::uint32_t>(first + row), static_cast<std::int32_t>(before[place]), static_cast<std::int32_t>(now[place])};
            __builtin_prefetch(values + row * rows.row_stride);
            if (rows.column_stride == 1)
                for (std::size_t end = d_; end > 64 / sizeof(T); end -= 64 / sizeof(T)) __builtin_prefetch(values + row * rows.row_stride + end - 1);
        }
        moves.end_at(out + count);
    }

    // The places in a tile where two rows of labels differ.
    static std::uint64_t different_places(const Label* a, const Label* b) {
        std::uint64_t places = 0;
        if constexpr (sizeof(Label) == 1) {
            for (std::size_t word = 0; word < 8; ++word) {
                std::uint64_t x, y;
                std::memcpy(&x, a + 8 * word, sizeof x);
                std::memcpy(&y, b + 8 * word, sizeof y);
                const std::uint64_t low = 0x7F7F7F7F7F7F7F7F, apart = x ^ y, high = (((apart & low) + low) | apart) & ~low;    // the high bit of every byte that differs
                places |= ((high >> 7) * 0x0102040810204080 >> 56) << (8 * word);
            }
        } else {
            for (std::size_t place = 0; place < tile_rows; ++place) places |= static_cast<std::uint64_t>(a[place] != b[place]) << place;
        }
        return places;
    }

    // The sum of the squared distances to the nearest centres.
    double label_exactly(const nearest_centre<T>& centres, std::size_t b, move_list& moves) {
        alignas(64) double lanes[tile_rows] = {};
        std::vector<T> scratch(d_ * tile_rows);
        each_tile(b, [&](std::size_t first, std::size_t length) {
            nearest_in_tile<T> nearest;
            centres.find(points_.tile(first, scratch.data()), length, nearest);
            add_distances(nearest, first, length, lanes);
            Label now[tile_rows];
            for (std::size_t place = 0; place < tile_rows; ++place) now[place] = static_cast<Label>(nearest.which[row_at_place(place)]);
            Label* const before = labels_.get() + first;
            const std::uint64_t changed[1] = {labelled_ ? different_places(before, now) : 0};
            note_moves(b, first - blocks_.first(b), changed, 1, before, now, moves);
            std::copy(now, now + tile_rows, before);
        });
        return sum_of_lanes(lanes);
    }

    // What label_exactly returns, of labels that are those of the nearest centres: the same bits, as the kernel that finds the nearest takes
    // the distances of differences from zero.
    double inertia_of_labels(const lloyd_iterate& iterate, std::size_t b) const {
        alignas(64) double lanes[tile_rows] = {};
        std::vector<T> own(k_ * d_), differences(d_ * tile_rows), tile(d_ * tile_rows);
        std::transform(iterate.spec.centres.begin(), iterate.spec.centres.end(), own.begin(), [](double value) { return static_cast<T>(value); });
        const nearest_centre<T> zero(std::vector<double>(d_), 1, d_);
        const row_kernels<T>& kernels = row_kernels_for<T>(simd_level());
        each_tile(b, [&](std::size_t first, std::size_t length) {
            std::int32_t which[tile_rows];
            for (std::size_t i = 0; i < tile_rows; ++i) which[i] = static_cast<std::int32_t>(labels_[first + place_in_tile(i)]);
            with_whole_rows(points_.view().row_range(first, length), [&](const T* rows, std::size_t stride, std::size_t, std::size_t count) {
                kernels.subtract(rows, stride, d_, own.data(), which, count, differences.data());
            });
            pack_tile(matrix_view<const T>(differences.data(), length, d_, d_, 1), tile.data());
            nearest_in_tile<T> nearest;
            zero.find(tile.data(), length, nearest);
            add_distances(nearest, first, length, lanes);
        });
        return sum_of_lanes(lanes);
    }

    void add_distances(const nearest_in_tile<T>& nearest, std::size_t first, std::size_t length, double* lanes) const {
        const double* const weights = points_.weights();
        if (!weights) distance_kernels_for<T>(simd_level()).add(lanes, nearest.distance);
        else
            for (std::size_t i = 0; i < length; ++i) lanes[i] += weights[first + i] * static_cast<double>(nearest.distance[i]);
    }

#if SEGKIT_SIMD_LEVELS
    void prepare(const lloyd_iterate& iterate) {
        coarse_ = {};
        if (points_.coarse() && !exact_only_ && sizeof(Label) == 1) coarse_ = points_.coarse()->prepare(iterate.spec.centres, k_);
    }

    // Whether it could.
    bool label_coarsely(const nearest_centre<T>& centres, std::size_t b, move_list& moves) {
        if constexpr (sizeof(Label) == 1) {
            if (!coarse_.usable) return false;
            const coarse_points<T>& coarse = *points_.coarse();
            const coarse_kernels& kernels = coarse_kernels_for(simd_level());
            const std::size_t begin = blocks_.first(b), end = begin + blocks_.length(b);
            Label* const labels = labels_.get() + begin;
            if (!labelled_) std::fill_n(labels, whole_tiles(blocks_.length(b)), Label{0});
            for (std::size_t strip = begin; strip < end; strip += coarse_strip_tiles * tile_rows) {
                const std::size_t tiles = std::min(coarse_strip_tiles, (end - strip + tile_rows - 1) / tile_rows);
                alignas(64) Label now[coarse_strip_tiles * tile_rows];
                std::int32_t slacks[coarse_strip_tiles];
                coarse_marks marks[coarse_strip_tiles];
                std::uint64_t to_note[coarse_strip_tiles];
                for (std::size_t t = 0; t < tiles; ++t) slacks[t] = coarse.slack(coarse_, strip + t * tile_rows);
                kernels.nearest({coarse.tile(strip), tiles, coarse.pairs(), coarse_.steps.data(), coarse_.starts.data(), k_, slacks, labels + (strip - begin), now, marks});
                for (std::size_t t = 0; t < tiles; ++t) {
                    const std::size_t first = strip + t * tile_rows, at = first - begin, length = std::min(tile_rows, end - first);
                    Label* const now_here = now + t * tile_rows;
                    const std::uint64_t outside = coarse.outside(first);
                    if (outside != 0 || length < tile_rows) keep_labels(outside, length, labels + at, now_here, marks[t]);
                    to_note[t] = (labelled_ ? marks[t].changed : 0) | marks[t].doubts;
                }
                // Rows in doubt stand among the moves, for the present with no other cluster to go to.
                note_moves(b, strip - begin, to_note, tiles, labels + (strip - begin), now, moves);
                std::memcpy(labels + (strip - begin), now, tiles * tile_rows);
            }
            ask_doubtful(centres, b, labels, moves);
            return true;
        } else {
            return false;
        }
    }

    // The exact nearest centres of the rows in doubt, 64 at a time; those that stay where they are leave the moves.
    void ask_doubtful(const nearest_centre<T>& centres, std::size_t b, Label* labels, move_list& moves) {
        std::vector<row_move*> doubtful(moves.size() + 1);
        std::size_t doubts = 0;
        for (row_move& m : moves) {
            doubtful[doubts] = &m;
            doubts += m.from == m.to;
        }
        doubts_[b] = doubts;
        const matrix_view<const T> rows = block(b);
        std::vector<T> tile(d_ * tile_rows);
        for (std::size_t first = 0; first < doubts; first += tile_rows) {
            const std::size_t count = std::min(tile_rows, doubts - first);
            row_move* const* const asked = doubtful.data() + first;
            for (std::size_t i = 0; i < count; ++i)
                for (std::size_t j = 0; j < d_; ++j) tile[j * tile_rows + i] = rows(asked[i]->row, j);
            nearest_in_tile<T> nearest;
            centres.find(tile.data(), count, nearest);
            for (std::size_t i = 0; i < count; ++i) {
                row_move& m = *asked[i];
                m.to = nearest.which[i];
                labels[m.row / tile_rows * tile_rows + place_in_tile(m.row % tile_rows)] = static_cast<Label>(m.to);
            }
        }
        row_move* kept = moves.begin();
        for (const row_move& m : moves) {
            *kept = m;
            kept += m.from != m.to;
        }
        moves.end_at(kept);
    }

    // Rows outside are in doubt, those beyond the last are not, and have no label.
    static void keep_labels(std::uint64_t outside, std::size_t length, const Label* before, Label* now, coarse_marks& marks) {
        for (std::size_t row = 0; row < tile_rows; ++row) {
            if (row < length && (outside >> row & 1) == 0) continue;
            const std::size_t place = place_in_tile(row);
            const std::uint64_t bit = std::uint64_t{1} << place;
            now[place] = before[place];
            marks.changed &= ~bit;
            marks.doubts = row < length ? marks.doubts | bit : marks.doubts & ~bit;
        }
    }
#else
    void prepare(const lloyd_iterate&) {}
    bool label_coarsely(const nearest_centre<T>&, std::size_t, move_list&) { return false; }
#endif

    void move_rows(const lloyd_iterate& iterate, std::size_t b, move_list& moves) {
        lloyd_state& s = states_[b];
        const double* const weights = points_.weights() ? points_.weights() + blocks_.first(b) : nullptr;
        for (const row_move& m : moves) {
            --s.counts[static_cast<std::size_t>(m.from)];
            ++s.counts[static_cast<std::size_t>(m.to)];
        }
        if (weights) {
            for (const row_move& m : moves) {
                s.weights[static_cast<std::size_t>(m.from)] -= weights[m.row];
                s.weights[static_cast<std::size_t>(m.to)] += weights[m.row];
            }
        } else {
            std::copy(s.counts.begin(), s.counts.end(), s.weights.begin());
        }
        const row_kernels<T>& kernels = row_kernels_for<T>(simd_level());
        const matrix_view<const T> rows = block(b);
        bool lossy = false;
        if (rows.column_stride == 1) {
            lossy = kernels.move(s.sums.data(), rows.values, rows.row_stride, d_, iterate.origin.data(), moves.begin(), weights, moves.size());
        } else {
            std::vector<T> row(d_);
            for (row_move m : moves) {
                for (std::size_t j = 0; j < d_; ++j) row[j] = rows(m.row, j);
                const double weight = weights ? weights[m.row] : 1.0;
                m.row = 0;
                lossy |= kernels.move(s.sums.data(), row.data(), d_, d_, iterate.origin.data(), &m, &weight, 1);
            }
        }
        if (lossy) sum_block_afresh(iterate, b);
    }

    void sum_afresh(const lloyd_iterate& iterate, executor_ref executor) {
        executor.run(blocks_.count(), [&](std::size_t b) { sum_block_afresh(iterate, b); });
        sums_drifted_ = false;
        merge(executor);
    }

    void sum_block_afresh(const lloyd_iterate& iterate, std::size_t b) {
        lloyd_state& s = states_[b];
        std::fill(s.counts.begin(), s.counts.end(), std::size_t{0});
        std::fill(s.weights.begin(), s.weights.end(), 0.0);
        std::fill(s.sums.begin(), s.sums.end(), 0.0);
        std::vector<std::int32_t> clusters(blocks_.length(b));
        copy_labels(b, clusters.data());
        aligned_doubles squares(d_);
        add_rows(s, block(b), clusters.data(), points_.weights() ? points_.weights() + blocks_.first(b) : nullptr, iterate.origin, labelled_ ? nullptr : squares.data());
        if (labelled_) return;
        squares_[b] = 0;
        for (const double square : squares) squares_[b] += square;
    }

    // The inertia by what is known of the sums: sum |x - o|^2 - 2 (c - o) sum (x - o) + n |c - o|^2 over the clusters.
    void estimate_inertia(const lloyd_iterate& iterate) {
        double inertia = 0;
        for (const double square : squares_) inertia += square;
        for (std::size_t c = 0; c < k_; ++c) {
            for (std::size_t j = 0; j < d_; ++j) {
                const double centre = static_cast<double>(static_cast<T>(iterate.spec.centres[c * d_ + j])) - iterate.origin[j];
                inertia += centre * (total_.weights[c] * centre - 2 * total_.sums[c * d_ + j]);
            }
        }
        total_.inertia = std::max(inertia, 0.0);
    }

    // The states of all blocks together, in their order.
    void merge(executor_ref executor) {
        total_.rows = points_.rows();
        total_.inertia = 0;
        std::fill(total_.counts.begin(), total_.counts.end(), std::size_t{0});
        std::fill(total_.weights.begin(), total_.weights.end(), 0.0);
        for (const lloyd_state& s : states_) {
            total_.inertia += s.inertia;
            for (std::size_t c = 0; c < k_; ++c) {
                total_.counts[c] += s.counts[c];
                total_.weights[c] += s.weights[c];
            }
        }
        const distance_kernels<double>& kernels = distance_kernels_for<double>(simd_level());
        const std::size_t count = total_.sums.size(), part = count * states_.size() < std::size_t{1} << 16 ? count : std::size_t{1024};
        executor.run((count + part - 1) / part, [&](std::size_t p) {
            const std::size_t end = std::min(count, (p + 1) * part);
            for (std::size_t at = p * part; at < end; at += tile_rows) {
                const std::size_t length = std::min(tile_rows, end - at);
                std::copy_n(states_[0].sums.data() + at, length, total_.sums.data() + at);
                for (std::size_t b = 1; b < states_.size(); ++b) {
                    if (length == tile_rows) kernels.add(total_.sums.data() + at, states_[b].sums.data() + at);
                    else
                        for (std::size_t i = at; i < end; ++i) total_.sums[i] += states_[b].sums[i];
                }
            }
        });
    }

    void copy_labels(std::size_t b, std::int32_t* to) const {
        each_tile(b, [&](std::size_t first, std::size_t length) {
            const Label* const labels = labels_.get() + first;
            std::int32_t* const rows = to + (first - blocks_.first(b));
            if (length == tile_rows) {
                for (std::size_t i = 0; i < tile_rows; ++i) rows[i] = static_cast<std::int32_t>(labels[place_in_tile(i)]);
            } else {
                for (std::size_t i = 0; i < length; ++i) rows[i] = static_cast<std::int32_t>(labels[place_in_tile(i)]);
            }
        });
    }

    // The state of the last assignment with the points farthest from their centres.
    lloyd_state farthest(const lloyd_iterate& iterate, executor_ref executor) {
        const nearest_centre<T> centres(iterate.spec.centres, k_, d_);
        if (sums_drifted_) sum_afresh(iterate, executor);
        std::vector<lloyd_state> states = states_;
        executor.run(blocks_.count(), [&](std::size_t b) {
            std::vector<T> scratch(d_ * tile_rows);
            each_tile(b, [&](std::size_t first, std::size_t length) {
                const T* const tile = points_.tile(first, scratch.data());
                nearest_in_tile<T> nearest;
                centres.find(tile, length, nearest);
                keep_far_points(states[b], tile, iterate.origin, length, points_.weights() ? points_.weights() + first : nullptr, nearest);
            });
        });
        for (std::size_t b = 1; b < states.size(); ++b) add_lloyd_state(states[0], states[b]);
        return std::move(states[0]);
    }

    template <class F>
    void each_tile(std::size_t b, F f) const {
        const std::size_t end = blocks_.first(b) + blocks_.length(b);
        for (std::size_t first = blocks_.first(b); first < end; first += tile_rows) f(first, std::min(tile_rows, end - first));
    }
    matrix_view<const T> block(std::size_t b) const { return points_.view().row_range(blocks_.first(b), blocks_.length(b)); }

    const tiled_matrix<T>& points_;
    std::size_t k_;
    std::size_t d_;
    row_blocks blocks_;
    owned_memory<Label> labels_;         // whole tiles, in the order of places
    std::vector<lloyd_state> states_;    // of every block, with its present labels
    lloyd_state total_;                  // of all blocks
    std::vector<double> squares_;        // of every block, the squared distances of its rows from the origin
    std::vector<std::size_t> changed_;
    std::vector<std::size_t> doubts_;
#if SEGKIT_SIMD_LEVELS
    coarse_centres coarse_;
#endif
    bool exact_only_ = false;            // too many rows were in doubt
    bool labelled_ = false;
    bool sums_drifted_ = false;          // some sums went by changed rows
};

// The sums of one assignment to the present centres; with the farthest points, where asked.
template <class T>
lloyd_state one_assignment(const tiled_matrix<T>& points, const lloyd_iterate& iterate, bool with_farthest, executor_ref executor) {
    const std::size_t k = iterate.spec.n_clusters, d = iterate.n_features;
    const nearest_centre<T> centres(iterate.spec.centres, k, d);
    const row_blocks blocks(points.rows());
    std::vector<lloyd_state> states(blocks.count(), empty_lloyd_state(k, d));
    executor.run(blocks.count(), [&](std::size_t b) {
        lloyd_state& s = states[b];
        const std::size_t first = blocks.first(b), end = first + blocks.length(b);
        std::vector<T> scratch(d * tile_rows);
        std::vector<std::int32_t> clusters(blocks.length(b));
        for (std::size_t at = first; at < end; at += tile_rows) {
            const std::size_t length = std::min(tile_rows, end - at);
            const double* const weights = points.weights() ? points.weights() + at : nullptr;
            const T* const tile = points.tile(at, scratch.data());
            nearest_in_tile<T> nearest;
            centres.find(tile, length, nearest);
            for (std::size_t i = 0; i < length; ++i) s.inertia += (weights ? weights[i] : 1.0) * static_cast<double>(nearest.distance[i]);
            std::copy_n(nearest.which, length, clusters.begin() + static_cast<std::ptrdiff_t>(at - first));
            if (with_farthest) keep_far_points(s, tile, iterate.origin, length, weights, nearest);
        }
        s.rows = end - first;
        add_rows(s, points.view().row_range(first, s.rows), clusters.data(), points.weights() ? points.weights() + first : nullptr, iterate.origin, nullptr);
    });
    for (std::size_t b = 1; b < states.size(); ++b) add_lloyd_state(states[0], states[b]);
    return std::move(states[0]);
}

// `labels`, where given, get the clusters of the last assignment, which was made with the final centres.
template <class T>
lloyd_iterate lloyd_to_end(const tiled_matrix<T>& points, lloyd_iterate start, executor_ref executor, std::vector<std::int32_t>* labels = nullptr,
                           lloyd_observer* observer = nullptr) {
    auto run = [&](auto lloyd) {
        lloyd_iterate iterate = lloyd.to_end(std::move(start), executor, observer);
        if (labels) {
            labels->resize(points.rows());
            lloyd.copy_labels(labels->data(), executor);
        }
        return iterate;
    };
    const std::size_t k = start.spec.n_clusters;
    if (k <= 256) return run(resident_lloyd<T, std::uint8_t>(points, k));
    return run(resident_lloyd<T, std::int32_t>(points, k));
}

}  // namespace SEGKIT_NAMESPACE::detail
