// Columns that lie anywhere, and matrices, as tables.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <Eigen/Core>

#include <segkit/cluster/kmeans.hpp>
#include <segkit/query.hpp>
#include <segkit/table/table_of.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

// The addresses that a source pushes for one column.
struct pushed final : sk::morsel_consumer {
    struct worker final : sk::morsel_worker {
        worker(pushed& p) : seen(p) {}
        void take(const sk::chunk& c) override { seen.values.push_back(c.slots[seen.column].values); }
        pushed& seen;
    };
    explicit pushed(std::size_t c) : column(c) {}
    std::unique_ptr<sk::morsel_worker> start(std::size_t) override { return std::make_unique<worker>(*this); }
    std::size_t column;
    std::vector<const void*> values;
};
template <class T>
const void* first_address(const T& table, std::size_t column = 0) {
    pushed p(column);
    std::vector<bool> needed(column + 1, true);
    sk::detail::as_query(table).from.open()->scan(needed, sk::serial(), p);
    return p.values.at(0);
}

template <class T, sk::fixed_string Name>
using type_of = sk::column_type_t<typename sk::table_traits<T>::schema_type, Name>;

}  // namespace

TEST_CASE("vectors, spans, arrays and deques of one length are a table under the names given") {
    const std::vector<double> income{10, 20, 30};
    const std::deque<std::int32_t> age{31, 32, 33};
    const std::string names[] = {"Ada", "Bob", "Cy"};
    const std::array<std::optional<int>, 3> visits{1, std::nullopt, 3};
    const std::vector<bool> paid{true, false, true};
    const auto people = sk::table_of("income"_c = income, "age"_c = age, "name"_c = names, "visits"_c = visits, "paid"_c = paid, "rank"_c = std::span(income).first(3));
    using people_t = std::remove_cvref_t<decltype(people)>;
    static_assert(std::is_same_v<type_of<people_t, "name">, sk::text> && std::is_same_v<type_of<people_t, "visits">, std::optional<std::int32_t>> &&
                  std::is_same_v<type_of<people_t, "paid">, bool>);
    const auto t = people | sk::filter("age"_c != 32) | sk::collect();
    REQUIRE(t.rows() == 2);
    CHECK(t["income"_c][1] == 30);
    CHECK(t["age"_c][1] == 33);
    CHECK(t["name"_c][1] == "Cy");
    CHECK(t["visits"_c][1] == 3);
    CHECK(t["paid"_c][0]);
    CHECK(t["rank"_c][1] == 30);
    CHECK((people | sk::collect())["visits"_c][1] == std::nullopt);
}

TEST_CASE("values that lie as a column does are read where they are") {
    const std::vector<double> income(5'000, 1.0);
    const std::vector<sk::date> days(5'000);
    const auto t = sk::table_of("income"_c = income, "day"_c = days);
    CHECK(first_address(t, 0) == income.data());
    CHECK(first_address(t, 1) == days.data());
}

TEST_CASE("any element that a described member may have may be a column's") {
    using namespace std::chrono_literals;
    enum class channel : std::uint8_t { web = 1, store = 7 };
    const std::vector<std::int8_t> small{1, -1};
    const std::vector<std::uint32_t> counts{7, 4'294'967'295u};
    const std::vector<channel> channels{channel::web, channel::store};
    const std::vector<std::chrono::sys_days> days{std::chrono::sys_days(std::chrono::year(2024) / 2 / 29), {}};
    const std::vector<const char*> words{"a", "b"};
    const auto t = sk::table_of("small"_c = small, "count"_c = counts, "channel"_c = channels, "day"_c = days, "word"_c = words) | sk::collect();
    CHECK(t["small"_c][1] == -1);
    CHECK(t["count"_c][1] == 4'294'967'295);
    CHECK(t["channel"_c][1] == 7);
    CHECK(t["day"_c][0] == sk::date(2024, 2, 29));
    CHECK(t["word"_c][1] == "b");
}

TEST_CASE("what has a name is borrowed, a temporary is owned") {
    std::vector<std::int64_t> kept{1, 2, 3};
    auto query = sk::table_of("kept"_c = kept, "given"_c = std::vector<std::string>{"a", "a longer text that is not inside the string", "c"}) | sk::filter("kept"_c > 1);
    kept[2] = 7;
    const auto copy = query;
    const auto t = copy | sk::collect();
    REQUIRE(t.rows() == 2);
    CHECK(t["kept"_c][1] == 7);
    CHECK(t["given"_c][0] == "a longer text that is not inside the string");
}

TEST_CASE("columns of different lengths are an error that names the column") {
    const std::vector<double> a{1, 2}, b{1};
    try {
        (void)sk::table_of("a"_c = a, "b"_c = b);
        FAIL("no error");
    } catch (const sk::error& failure) {
        CHECK(std::string(failure.what()) == "table_of: unequal lengths in 'b': found 1 values, expected 2, as in 'a'");
    }
}

TEST_CASE("the columns of a matrix are columns by name, in both storage orders, and a column that lies together is not copied") {
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor> by_column(3'000, 3);
    for (Eigen::Index i = 0; i < 3'000; ++i) by_column.row(i) << static_cast<double>(i), static_cast<double>(2 * i), static_cast<double>(i % 7);
    const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_row = by_column;
    const auto check = [](const auto& matrix) {
        const auto t = sk::table_of(matrix, sk::columns("x"_c, "y"_c, "z"_c)) | sk::filter("z"_c == 6.0) | sk::collect();
        REQUIRE(t.rows() == 428);
        CHECK(t["x"_c][427] == 2'995);
        CHECK(t["y"_c][427] == 5'990);
    };
    check(by_column);
    check(by_row);
    check(by_row.block(0, 0, 3'000, 3));
    const auto part = sk::table_of(by_column.block(1'000, 1, 2, 2), sk::columns("y"_c, "z"_c)) | sk::collect();
    REQUIRE(part.rows() == 2);
    CHECK(part["y"_c][1] == 2'002);
    CHECK(first_address(sk::table_of(by_column, sk::columns("x"_c, "y"_c, "z"_c)), 1) == by_column.data() + 3'000);
    CHECK_THROWS_AS((void)sk::table_of(by_row, sk::columns("x"_c, "y"_c)), sk::error);
}

TEST_CASE("a matrix of Eigen is taken where points are asked for, in any storage order and of its own number type") {
    const auto sum_of = [](sk::matrix_view<const double> m) { return m(0, 1) * 100 + m(2, 0); };
    Eigen::MatrixXd by_column(3, 2);
    by_column << 1, 2, 3, 4, 5, 6;
    const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_row = by_column;
    CHECK(sum_of(by_column) == 205);
    CHECK(sum_of(by_row) == 205);
    CHECK(sum_of(by_row.bottomRows(3)) == 205);
    CHECK(sum_of(Eigen::Map<const Eigen::MatrixXd>(by_column.data(), 3, 2)) == 205);
    CHECK(sum_of(Eigen::MatrixXd(by_column * 2)) == 410);

    const sk::matrix_view<double> writable = by_column;
    writable(2, 0) = 7;
    CHECK(by_column(2, 0) == 7);
    static_assert(!std::is_convertible_v<const Eigen::MatrixXd&, sk::matrix_view<double>>);    // nothing constant becomes writable,
    static_assert(!std::is_convertible_v<Eigen::MatrixXf&, sk::matrix_view<const double>>);    // and no number is taken for another
}

TEST_CASE("a matrix is a block column, and a vector of Eigen a plain one") {
    Eigen::MatrixXf by_column(4, 2);
    by_column << 1, 2, 3, 4, 5, 6, 7, 8;
    const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_row = by_column;
    const Eigen::VectorXd weight = Eigen::VectorXd::LinSpaced(4, 0, 3);
    for (const auto& t : {sk::table_of("at"_c = by_column, "weight"_c = weight) | sk::collect(), sk::table_of("at"_c = by_row, "weight"_c = weight) | sk::collect()}) {
        REQUIRE(t.rows() == 4);
        CHECK(t["at"_c][2].size() == 2);
        CHECK(t["at"_c][2][0] == 5);
        CHECK(t["at"_c][3][1] == 8);
        CHECK(t["weight"_c][3] == 3);
    }
    CHECK(first_address(sk::table_of("at"_c = by_row)) == by_row.data());
    CHECK(first_address(sk::table_of("w"_c = weight)) == weight.data());
    CHECK((sk::table_of("x"_c = by_column.row(1).eval()) | sk::collect())["x"_c][1] == 4);
    CHECK((sk::table_of("x"_c = by_row.col(1)) | sk::collect())["x"_c][3] == 8);
}

TEST_CASE("an estimator fits the rows of a matrix in either form alike") {
    Eigen::MatrixXd points(6, 2);
    points << 0, 0, 0, 1, 1, 0, 10, 10, 10, 11, 11, 10;
    const auto blocks = sk::fit(sk::kmeans("at"_c, "cluster"_c, {.n_clusters = 2, .seed = 1}), sk::table_of("at"_c = points));
    const auto columns = sk::fit(sk::kmeans(sk::columns("x"_c, "y"_c), "cluster"_c, {.n_clusters = 2, .seed = 1}), sk::table_of(points, sk::columns("x"_c, "y"_c)));
    CHECK(blocks.report.get<sk::kmeans_report>().inertia_per_iteration.back() == columns.report.get<sk::kmeans_report>().inertia_per_iteration.back());
}
