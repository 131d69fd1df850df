//! Curves in double logarithmic scale, where what is linear has a slope of one.

use std::ops::Range;

use plotters::prelude::*;

use crate::report::Report;

/// A plot.
pub struct Plot {
    pub title: String,
    pub x: String,
    pub y: String,
    pub lines: Vec<Line>,
}

/// One of its curves.
pub struct Line {
    pub name: String,
    /// None of the numbers is zero.
    pub points: Vec<(f64, f64)>,
}

impl Plot {
    /// Writes it as SVG.
    pub fn write(&self, report: &Report, name: &str) -> Result<(), String> {
        let path = report.plot(name);
        self.draw(SVGBackend::new(&path, (760, 460))).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn draw(&self, backend: SVGBackend<'_>) -> Result<(), Box<dyn std::error::Error + '_>> {
        let root = backend.into_drawing_area();
        root.fill(&WHITE)?;
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        let mut chart = ChartBuilder::on(&root)
            .caption(&self.title, ("sans-serif", 18))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(
                around(points().map(|point| point.0)).log_scale(),
                around(points().map(|point| point.1)).log_scale(),
            )?;
        let number = |value: &f64| if *value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        chart
            .configure_mesh()
            .x_desc(&self.x)
            .y_desc(&self.y)
            .x_label_formatter(&number)
            .y_label_formatter(&number)
            .light_line_style(WHITE)
            .draw()?;
        for (index, line) in self.lines.iter().enumerate() {
            let colour = Palette99::pick(index).to_rgba();
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)).point_size(3))?
                .label(&line.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(BLACK.mix(0.3))
            .draw()?;
        root.present()?;
        Ok(())
    }
}

/// A range with all of these in it, and some air.
fn around(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(f64::MIN_POSITIVE, f64::max);
    if least.is_finite() { least * 0.8..most * 1.25 } else { 1.0..10.0 }
}
