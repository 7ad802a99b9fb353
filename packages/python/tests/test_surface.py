"""What the documents promise, as they show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import TENANT, contents
from lading import ExperimentTracker, LadingError, ServerError


def test_the_example_of_the_documents_works_as_it_stands(
    url: str, experiment: str, tmp_path: Path, outbox: Path
) -> None:
    (tmp_path / "model.pkl").write_bytes(b"a model")
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "scores.csv").write_text("a,b\n1,2\n")
    plt = pytest.importorskip("matplotlib.figure")
    fig = plt.Figure()
    fig.add_subplot().plot([3, 2, 1])

    tracker = ExperimentTracker(url, tenant=TENANT)
    with tracker.start_run(experiment_name=experiment) as run:
        run.log_artifact(tmp_path / "model.pkl", artifact_path="models")
        run.log_dict({"threshold": 0.5, "features": ["amount", "frequency"]}, "config/model_config.json")
        run.log_text("Model achieved 91.2% accuracy on holdout set", "reports/summary.txt")
        run.log_figure(fig, "plots/loss_curve.png")
    last = tracker.log_artifacts(str(tmp_path / "evaluation"), artifact_path="evaluation")
    assert last.result().path == "evaluation"
    tracker.flush()
    assert tracker.api.run(run.id)["status"] == "FINISHED"
    tracker.close()

    with ExperimentTracker(url, tenant=TENANT) as another:
        found = contents(another, run.id, tmp_path)
    assert found["models/model.pkl"] == b"a model"
    assert json.loads(found["config/model_config.json"]) == {"threshold": 0.5, "features": ["amount", "frequency"]}
    assert found["reports/summary.txt"] == b"Model achieved 91.2% accuracy on holdout set"
    assert found["plots/loss_curve.png"].startswith(b"\x89PNG")
    assert found["evaluation/scores.csv"] == b"a,b\n1,2\n"
    assert list(outbox.iterdir()) == []


def test_a_tracker_logs_to_the_innermost_run_and_then_to_the_last_one(
    tracker: ExperimentTracker, experiment: str
) -> None:
    with tracker.start_run(experiment) as outer:
        first = tracker.log_text("outer", "a.txt")
        with tracker.start_run(experiment) as inner:
            second = tracker.log_text("inner", "b.txt")
        third = tracker.log_text("outer again", "c.txt")
    last = tracker.log_text("the run that was started last", "d.txt")
    for upload in (first, second, third, last):
        upload.result()
    assert [artifact["path"] for artifact in outer.list_artifacts()] == ["a.txt", "c.txt"]
    assert [artifact["path"] for artifact in inner.list_artifacts()] == ["b.txt", "d.txt"]


def test_a_tracker_without_a_run_starts_one(tracker: ExperimentTracker) -> None:
    upload = tracker.log_text("x", "x.txt", synchronous=True)
    job = tracker.api.job(upload.job_id or "")
    assert tracker.api.run(job["run_id"])["status"] == "RUNNING"
    tracker.close()
    assert tracker.api.run(job["run_id"])["status"] == "FINISHED"


def test_a_run_that_fails_says_so_and_keeps_the_exception(tracker: ExperimentTracker, experiment: str) -> None:
    with pytest.raises(ZeroDivisionError), tracker.start_run(experiment) as run:
        raise ZeroDivisionError("there was nothing to divide by")
    tracker.flush()
    assert tracker.api.run(run.id)["status"] == "FAILED"
    text = tracker.log_text("", "after.txt")
    text.result()
    assert "exception.txt" in [artifact["path"] for artifact in run.list_artifacts()]


def test_a_run_that_is_interrupted_is_killed(tracker: ExperimentTracker, experiment: str) -> None:
    with pytest.raises(KeyboardInterrupt), tracker.start_run(experiment) as run:
        raise KeyboardInterrupt
    tracker.flush()
    assert tracker.api.run(run.id)["status"] == "KILLED"


def test_a_run_is_continued_by_its_id(tracker: ExperimentTracker, trackers: object, experiment: str) -> None:
    with tracker.start_run(experiment, run_name="nightly") as run:
        run.log_text("one", "1.txt")
    tracker.flush()
    other = trackers()  # type: ignore[operator]
    with other.start_run(run_id=run.id) as again:
        other.flush()
        assert other.api.run(run.id)["status"] == "RUNNING"
        again.log_text("two", "2.txt", synchronous=True)
    other.flush()
    assert other.api.run(run.id) | {"status": "FINISHED", "name": "nightly"} == other.api.run(run.id)
    assert [artifact["path"] for artifact in again.list_artifacts()] == ["1.txt", "2.txt"]


def test_a_handle_by_id_leaves_the_status_alone(tracker: ExperimentTracker, experiment: str) -> None:
    run = tracker.start_run(experiment)
    tracker.run(run.id).log_text("from a rank", "rank.txt", synchronous=True)
    assert tracker.api.run(run.id)["status"] == "RUNNING"


def test_an_experiment_is_created_once(tracker: ExperimentTracker, experiment: str) -> None:
    created = tracker.create_experiment(experiment)
    assert tracker.api.run(tracker.start_run(experiment).id)["experiment_id"] == created
    with pytest.raises(ServerError) as refused:
        tracker.create_experiment(experiment)
    assert (refused.value.code, refused.value.status) == ("experiment_exists", 409)


def test_an_artifact_location_that_is_not_allowed_is_refused(tracker: ExperimentTracker, experiment: str) -> None:
    with pytest.raises(ServerError) as refused:
        tracker.create_experiment(experiment, artifact_location="s3://somebody-elses/")
    assert refused.value.code in ("location_forbidden", "location_invalid")


def test_a_refused_run_is_told_at_once(tracker: ExperimentTracker) -> None:
    with pytest.raises(ServerError) as refused:
        tracker.start_run("a name\nwith a control character")
    assert (refused.value.code, refused.value.status) == ("validation_failed", 400)


def test_dictionaries_become_yaml_or_json_by_extension(
    tracker: ExperimentTracker, experiment: str, tmp_path: Path
) -> None:
    np = pytest.importorskip("numpy")
    value = {"b": np.float64(0.5), "a": np.array([1, 2]), "ключ": None}
    with tracker.start_run(experiment) as run:
        run.log_dict(value, "c.yaml").result()
        run.log_dict(value, "c.json").result()
    found = contents(tracker, run.id, tmp_path)
    assert found["c.yaml"].decode() == "b: 0.5\na:\n- 1\n- 2\nключ: null\n"
    assert json.loads(found["c.json"]) == {"b": 0.5, "a": [1, 2], "ключ": None}


def test_a_dictionary_that_has_no_form_is_an_error(tracker: ExperimentTracker, experiment: str) -> None:
    with tracker.start_run(experiment) as run, pytest.raises(TypeError):
        run.log_dict({"model": object()}, "c.json")


def test_images_of_arrays_are_what_the_arrays_say(tracker: ExperimentTracker, experiment: str, tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    image_module = pytest.importorskip("PIL.Image")
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    with tracker.start_run(experiment) as run:
        run.log_image(pixels, "integers.png").result()
        run.log_image(pixels[:, :, :1] / 255.0, "floats.png").result()
        run.log_image(image_module.new("RGB", (2, 2), "red"), "pil.jpg").result()
        with pytest.raises(ValueError, match="0 to 1"):
            run.log_image(pixels * 1.0, "wrong.png")
        with pytest.raises(ValueError, match="shape"):
            run.log_image(np.zeros((2, 2, 2)), "wrong.png")
    run.download_artifacts("", tmp_path / "back")
    back = np.asarray(image_module.open(tmp_path / "back" / "integers.png"))
    grey = np.asarray(image_module.open(tmp_path / "back" / "floats.png"))
    assert (back == pixels).all()
    assert (grey == pixels[:, :, 0]).all()


def test_a_plotly_figure_is_a_page(tracker: ExperimentTracker, experiment: str, tmp_path: Path) -> None:
    graph = pytest.importorskip("plotly.graph_objects")
    with tracker.start_run(experiment) as run:
        run.log_figure(graph.Figure(data=graph.Bar(y=[2, 3, 1])), "plots/bar.html").result()
        with pytest.raises(TypeError):
            run.log_figure("no figure", "x.png")
    assert b"plotly" in contents(tracker, run.id, tmp_path)["plots/bar.html"]


def test_artifacts_are_deleted(tracker: ExperimentTracker, experiment: str) -> None:
    with tracker.start_run(experiment) as run:
        for name in ("a.txt", "d/b.txt", "d/c.txt"):
            run.log_text(name, name).result()
        run.delete_artifact("a.txt")
        run.delete_artifact("d", recursive=True)
        assert list(run.list_artifacts()) == []
        with pytest.raises(LadingError) as gone:
            run.delete_artifact("a.txt")
        assert (gone.value.code, gone.value.status) == ("artifact_not_found", 404)
