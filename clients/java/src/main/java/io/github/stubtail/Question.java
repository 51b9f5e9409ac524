// What Decide is asked: a row as it is, what could be changed in it, and what is wanted.
package io.github.stubtail;

import io.github.stubtail.v1.Axis;
import io.github.stubtail.v1.Bounds;
import io.github.stubtail.v1.CandidateList;
import io.github.stubtail.v1.Constraint;
import io.github.stubtail.v1.DecideRequest;
import io.github.stubtail.v1.Direction;
import io.github.stubtail.v1.Limit;
import io.github.stubtail.v1.MaxChange;
import io.github.stubtail.v1.Numbers;
import io.github.stubtail.v1.Objective;
import io.github.stubtail.v1.Range;
import io.github.stubtail.v1.Texts;
import java.util.Arrays;

/**
 * What Decide is asked. clients/README.md tells of expressions. For one thread, and for one call or
 * many.
 */
public final class Question {
  private final DecideRequest.Builder request = DecideRequest.newBuilder();

  /** Asks a model, "name" for its live version or "name@version". */
  public Question(String model) {
    request.setModel(model);
  }

  /** The row as it is. */
  public Question context(Row row) {
    request.clearContext().putAllContext(row.map());
    return this;
  }

  /** Values that expressions use and the model does not. */
  public Question parameters(Row values) {
    request.clearParameters().putAllParameters(values.map());
    return this;
  }

  /** Tries numbers at equal distances, both ends included; axes are combined. */
  public Question span(String name, double first, double last, int steps) {
    return axis(
        Axis.newBuilder()
            .setName(name)
            .setRange(Range.newBuilder().setFirst(first).setLast(last).setSteps(steps)));
  }

  /** Tries these categories. */
  public Question oneOf(String name, String... values) {
    return axis(
        Axis.newBuilder()
            .setName(name)
            .setTexts(Texts.newBuilder().addAllValues(Arrays.asList(values))));
  }

  /** Tries these numbers. */
  public Question oneOf(String name, double... values) {
    Numbers.Builder numbers = Numbers.newBuilder();
    for (double value : values) {
      numbers.addValues(value);
    }
    return axis(Axis.newBuilder().setName(name).setNumbers(numbers));
  }

  private Question axis(Axis.Builder axis) {
    request.getGridBuilder().addAxes(axis);
    return this;
  }

  /** Tries candidates one by one instead. NaN and "" leave the context's value. */
  public Question candidates(Table columns) {
    request.setList(CandidateList.newBuilder().addAllColumns(columns.columns()));
    return this;
  }

  /** Wants the most of an expression. */
  public Question maximise(String expression) {
    return expression(Direction.DIRECTION_MAXIMISE, expression);
  }

  /** Wants the least of an expression. */
  public Question minimise(String expression) {
    return expression(Direction.DIRECTION_MINIMISE, expression);
  }

  private Question expression(Direction direction, String expression) {
    return objective(
        Objective.newBuilder().setDirection(direction).setExpression(expression).build());
  }

  /** Wants anything else, such as revenue. */
  public Question objective(Objective objective) {
    request.setObjective(objective);
    return this;
  }

  /** Keeps an expression down. */
  public Question atMost(String expression, double most) {
    return constraint(
        Constraint.newBuilder()
            .setLimit(Limit.newBuilder().setExpression(expression).setAtMost(most))
            .build());
  }

  /** Keeps an expression up. */
  public Question atLeast(String expression, double least) {
    return constraint(
        Constraint.newBuilder()
            .setLimit(Limit.newBuilder().setExpression(expression).setAtLeast(least))
            .build());
  }

  /** Keeps a feature or parameter between two numbers. */
  public Question between(String name, double minimum, double maximum) {
    return constraint(
        Constraint.newBuilder()
            .setBounds(Bounds.newBuilder().setName(name).setMinimum(minimum).setMaximum(maximum))
            .build());
  }

  /** Keeps a feature or parameter within a share of its value in the context: 0.1 is 10 %. */
  public Question maxChange(String name, double share) {
    return constraint(
        Constraint.newBuilder()
            .setMaxChange(MaxChange.newBuilder().setName(name).setRelative(share))
            .build());
  }

  /** Adds any constraint. */
  public Question constraint(Constraint constraint) {
    request.addConstraints(constraint);
    return this;
  }

  /** Asks for bounds of the outcome, such as 0.9. */
  public Question coverage(double share) {
    request.setCoverage(share);
    return this;
  }

  /** How many of the best to return; 10 where it is not given. */
  public Question top(int count) {
    request.setTop(count);
    return this;
  }

  DecideRequest proto(Options options) {
    if (!request.hasObjective()) {
      throw StubtailException.invalid("objective", "expected maximise, minimise or objective");
    }
    return request.clone().setPriority(options.priority()).build();
  }
}
