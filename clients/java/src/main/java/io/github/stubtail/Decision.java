// The answer of Decide: candidates as rows.
package io.github.stubtail;

import io.github.stubtail.v1.Column;
import io.github.stubtail.v1.DecideResponse;
import io.github.stubtail.v1.Outcomes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The answer of Decide. That nothing is feasible is an answer: then {@code ranked} is empty, and
 * {@code nearest} comes closest.
 *
 * @param ranked the best candidates, best first
 * @param baseline the row as it is
 * @param nearest the candidate that violates least; only where none keeps the constraints
 * @param proto the whole reply: exclusions, slacks, the curve, warnings
 */
public record Decision(
    List<Choice> ranked,
    Optional<Choice> baseline,
    Optional<Choice> nearest,
    DecideResponse proto) {

  /**
   * One candidate, and what is predicted for it.
   *
   * @param position in the question, from 0
   * @param numbers what it changes to numbers
   * @param texts what it changes to categories
   * @param predicted the main output of the model
   * @param lower the lower bound of it; NaN without a coverage
   * @param upper the upper bound of it; NaN without a coverage
   * @param objective what orders the candidates
   */
  public record Choice(
      int position,
      Map<String, Double> numbers,
      Map<String, String> texts,
      double predicted,
      double lower,
      double upper,
      double objective) {}

  static Decision of(DecideResponse reply) {
    return new Decision(
        choices(reply.getRanked()),
        choices(reply.getBaseline()).stream().findFirst(),
        choices(reply.getNearest()).stream().findFirst(),
        reply);
  }

  /** The best candidate; empty where none keeps the constraints. */
  public Optional<Choice> best() {
    return ranked.stream().findFirst();
  }

  /** Whether any candidate keeps all constraints. */
  public boolean feasible() {
    return proto.getFeasible();
  }

  private static List<Choice> choices(Outcomes outcomes) {
    List<Choice> found = new ArrayList<>();
    for (int i = 0; i < outcomes.getPredictedCount(); i++) {
      Map<String, Double> numbers = new LinkedHashMap<>();
      Map<String, String> texts = new LinkedHashMap<>();
      for (Column column : outcomes.getChangesList()) {
        if (i < column.getNumbersCount()) {
          numbers.put(column.getName(), column.getNumbers(i));
        } else if (i < column.getStringsCount()) {
          texts.put(column.getName(), column.getStrings(i));
        }
      }
      found.add(
          new Choice(
              i < outcomes.getPositionsCount() ? outcomes.getPositions(i) : 0,
              numbers,
              texts,
              outcomes.getPredicted(i),
              at(outcomes.getLowerList(), i),
              at(outcomes.getUpperList(), i),
              at(outcomes.getObjectiveList(), i)));
    }
    return List.copyOf(found);
  }

  private static double at(List<Double> values, int i) {
    return i < values.size() ? values.get(i) : Double.NaN;
  }
}
