// Reads CSV: RFC 4180 within one line.
package io.github.stubtail.examples;

import java.util.ArrayList;
import java.util.List;

/** Splits lines of CSV. */
final class Csv {
  private Csv() {}

  /** The fields of a line; those in quotation marks may hold commas and doubled quotation marks. */
  static List<String> fields(String line) {
    List<String> found = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char one = line.charAt(i);
      if (one == '"' && quoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
        field.append(one);
        i++;
      } else if (one == '"') {
        quoted = !quoted;
      } else if (one == ',' && !quoted) {
        found.add(field.toString());
        field.setLength(0);
      } else {
        field.append(one);
      }
    }
    found.add(field.toString());
    return found;
  }
}
