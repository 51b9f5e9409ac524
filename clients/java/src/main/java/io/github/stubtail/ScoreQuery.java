// What Score is asked: which models, which rows, and what else about each score.
package io.github.stubtail;

import io.github.stubtail.v1.Explain;
import io.github.stubtail.v1.ScoreRequest;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What Score is asked.
 *
 * @param models one, "name" for its live version or "name@version"; or 2 to 16 for the same rows
 * @param rows what is scored
 * @param coverage asks for bounds that hold the true value in this share of rows, such as 0.9; 0
 *     for none
 * @param reasons how many features that moved each score most to name; 0 for all, empty for none. A
 *     row with reasons costs as much as some hundred without.
 */
public record ScoreQuery(List<String> models, Rows rows, double coverage, OptionalInt reasons) {
  /** Keeps a copy of the names: answers are told by them. */
  public ScoreQuery {
    models = List.copyOf(models);
    Objects.requireNonNull(reasons, "reasons");
  }

  /** Asks one model, for the scores alone. */
  public static ScoreQuery of(String model, Rows rows) {
    return new ScoreQuery(List.of(model), rows, 0, OptionalInt.empty());
  }

  /** Asks for bounds as well. */
  public ScoreQuery withCoverage(double share) {
    return new ScoreQuery(models, rows, share, reasons);
  }

  /** Asks for reasons as well; 0 for all of them. */
  public ScoreQuery withReasons(int top) {
    return new ScoreQuery(models, rows, coverage, OptionalInt.of(top));
  }

  ScoreRequest proto(Options options) {
    ScoreRequest.Builder request =
        ScoreRequest.newBuilder().setPriority(options.priority()).setCoverage(coverage);
    if (models.size() == 1) {
      request.setModel(models.get(0));
    } else {
      request.addAllModels(models);
    }
    if (reasons.isPresent()) {
      request.setExplain(Explain.newBuilder().setTop(reasons.getAsInt()));
    }
    if (rows instanceof Rows.Dense dense) {
      request.setDense(dense.proto());
    } else if (rows instanceof Row row) {
      request.setNamed(row.proto());
    } else if (rows instanceof Table table) {
      request.setNamed(table.proto());
    } else {
      throw StubtailException.invalid("rows", "expected a Row, a Table or dense rows");
    }
    return request.build();
  }
}
