// One row: features by name.
package io.github.stubtail;

import io.github.stubtail.v1.Column;
import io.github.stubtail.v1.NamedRows;
import io.github.stubtail.v1.Value;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One row: features by name. A feature that is left out is missing. {@code new Row().set("tenure",
 * 3).set("contract", "One year")}
 */
public final class Row implements Rows {
  private final Map<String, Object> values = new LinkedHashMap<>();

  /** Sets a number; NaN is missing. */
  public Row set(String feature, double number) {
    values.put(feature, number);
    return this;
  }

  /** Sets a category. */
  public Row set(String feature, String category) {
    values.put(feature, java.util.Objects.requireNonNull(category, feature));
    return this;
  }

  /** Sets a yes or no, which is 1 or 0. */
  public Row set(String feature, boolean yes) {
    return set(feature, yes ? 1.0 : 0.0);
  }

  /** A row of a map whose values are numbers, strings or booleans. */
  public static Row of(Map<String, ?> values) {
    Row row = new Row();
    values.forEach(
        (feature, value) -> {
          if (value instanceof Number number) {
            row.set(feature, number.doubleValue());
          } else if (value instanceof Boolean yes) {
            row.set(feature, yes);
          } else if (value instanceof String text) {
            row.set(feature, text);
          } else {
            throw StubtailException.invalid(
                feature, "expected a number, a string or a boolean, not " + value);
          }
        });
    return row;
  }

  NamedRows proto() {
    if (values.isEmpty()) {
      throw StubtailException.invalid("rows", "expected at least one feature");
    }
    NamedRows.Builder rows = NamedRows.newBuilder();
    values.forEach(
        (feature, value) -> {
          Column.Builder column = rows.addColumnsBuilder().setName(feature);
          if (value instanceof String text) {
            column.addStrings(text);
          } else {
            column.addNumbers((Double) value);
          }
        });
    return rows.build();
  }

  /** The row as DecideRequest has it. */
  Map<String, Value> map() {
    Map<String, Value> found = new LinkedHashMap<>();
    values.forEach(
        (name, value) -> {
          Value.Builder one = Value.newBuilder();
          if (value instanceof String text) {
            one.setText(text);
          } else {
            one.setNumber((Double) value);
          }
          found.put(name, one.build());
        });
    return found;
  }
}
