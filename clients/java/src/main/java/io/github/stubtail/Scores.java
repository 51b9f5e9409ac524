// The answer of Score: columns as arrays, and rows as records.
package io.github.stubtail;

import io.github.stubtail.v1.Explanation;
import io.github.stubtail.v1.ScoreResponse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;

/** The answers in the order of the rows. */
public final class Scores {
  private final ScoreResponse reply;

  /**
   * One row of the answer.
   *
   * @param score as {@link Scores#score}
   * @param label as {@link Scores#label}
   * @param level as {@link Scores#level}
   */
  public record Scored(float score, String label, String level) {}

  /**
   * One feature, or group of features, and how much it moved a score.
   *
   * @param feature its name
   * @param contribution in the unit of {@code proto().getExplanation().getLink()}
   */
  public record Reason(String feature, float contribution) {}

  private Scores(ScoreResponse reply) {
    this.reply = reply;
  }

  /** Finds positions that lead nowhere, so that no method fails over a foreign reply. */
  static Scores of(ScoreResponse reply) {
    Explanation reasons = reply.getExplanation();
    boolean good =
        within(reply.getLabelIndexesList(), reply.getClassesCount())
            && within(reply.getLevelIndexesList(), reply.getLevelsCount())
            && within(reasons.getNameIndexesList(), reasons.getNamesCount())
            && reasons.getNameIndexesCount() == reasons.getContributionsCount();
    if (!good) {
      throw StubtailException.malformed("Score", "a position beyond the names");
    }
    return new Scores(reply);
  }

  /** Answers of several models, by the names that they were asked for. */
  static Map<String, Scores> byModel(List<String> models, ScoreResponse reply) {
    if (models.size() == 1) {
      return Map.of(models.get(0), of(reply));
    }
    if (reply.getResultsCount() != models.size()) {
      throw StubtailException.malformed(
          "Score", reply.getResultsCount() + " results for " + models.size() + " models");
    }
    Map<String, Scores> found = new LinkedHashMap<>();
    for (int i = 0; i < models.size(); i++) {
      found.put(models.get(i), of(reply.getResults(i)));
    }
    return found;
  }

  private static boolean within(List<Integer> positions, int count) {
    return positions.stream().allMatch(one -> one >= 0 && one < count);
  }

  /** The model that answered. */
  public String model() {
    return reply.getModel();
  }

  /** The version that answered, which matters while a new one goes live. */
  public String version() {
    return reply.getVersion();
  }

  /** The number of rows. */
  public int size() {
    return Math.max(reply.getScoresCount(), reply.getLabelIndexesCount());
  }

  /** The score of a row: a probability or a predicted value. */
  public float score(int row) {
    return reply.getScores(row);
  }

  /** All scores; none for a model of more than two classes, which has probabilities. */
  public float[] scores() {
    return floats(reply.getScoresCount(), reply::getScores);
  }

  /** Rows times classes, row after row; only of models that compute one for each class. */
  public float[] probabilities() {
    return floats(reply.getProbabilitiesCount(), reply::getProbabilities);
  }

  /** One lower bound for each row, where a coverage was asked for. */
  public float[] lower() {
    return floats(reply.getLowerCount(), reply::getLower);
  }

  /** One upper bound for each row, where a coverage was asked for. */
  public float[] upper() {
    return floats(reply.getUpperCount(), reply::getUpper);
  }

  /** The predicted class of a row, by the model's threshold; empty where it has no classes. */
  public String label(int row) {
    return reply.getLabelIndexesCount() == 0 ? "" : reply.getClasses(reply.getLabelIndexes(row));
  }

  /** The level of a row's score, such as "high"; empty where the model has none. */
  public String level(int row) {
    return reply.getLevelIndexesCount() == 0 ? "" : reply.getLevels(reply.getLevelIndexes(row));
  }

  /** The reasons of a row, the largest first; none unless they were asked for. */
  public List<Reason> reasons(int row) {
    Explanation all = reply.getExplanation();
    List<Reason> found = new ArrayList<>();
    for (int i = row * all.getTop(); i < (row + 1) * all.getTop(); i++) {
      found.add(new Reason(all.getNames(all.getNameIndexes(i)), all.getContributions(i)));
    }
    return found;
  }

  /** The answers row by row. */
  public List<Scored> rows() {
    List<Scored> found = new ArrayList<>(size());
    for (int row = 0; row < size(); row++) {
      float score = row < reply.getScoresCount() ? reply.getScores(row) : Float.NaN;
      found.add(new Scored(score, label(row), level(row)));
    }
    return found;
  }

  /** The whole reply: further outputs, warnings, classes. */
  public ScoreResponse proto() {
    return reply;
  }

  private static float[] floats(int count, IntToDoubleFunction column) {
    float[] found = new float[count];
    for (int i = 0; i < count; i++) {
      found[i] = (float) column.applyAsDouble(i);
    }
    return found;
  }
}
