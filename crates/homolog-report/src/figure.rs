//! A figure as a value: one table of what is drawn, and a small grammar that says how.
//!
//! Every number of it was computed before, from the tables of a run; nothing here or in what draws it takes a mean, a quantile or an
//! error bar. It is drawn by `svg`, from which PNG and PDF are made, and written as Vega-Lite by `vega_lite`: both see only this.

/// A figure: a table, marks over its rows, and the scales they share.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name of its files, such as `fig01-emergence-mean`.
    pub name: String,
    /// What it shows, in a few words: headings and alternative text. It is not drawn; the caption stands below in print.
    pub title: String,
    /// What is drawn, n, tokens, threshold, units, and what bands and error bars are. Plain text.
    pub caption: String,
    /// Width in print.
    pub width: Width,
    /// Height of one panel's plotting area over its width.
    pub aspect: f64,
    /// Everything that is drawn, and nothing else.
    pub data: Data,
    /// Drawn in this order, the later over the earlier.
    pub marks: Vec<Mark>,
    /// Horizontal scale of every panel.
    pub x: Scale,
    /// Vertical scale of every panel.
    pub y: Scale,
    /// Scale of colours; absent where every mark has a fixed one.
    pub color: Option<ColorScale>,
    /// One panel for each value of a column; absent for a single panel.
    pub facet: Option<Facet>,
}

/// Width of a figure in print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One column, 3.25 inches.
    Column,
    /// The page, 6.75 inches.
    Page,
}

/// Columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    /// In the order of the `.csv`.
    pub columns: Vec<Column>,
}

/// One column of what is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// By which channels name it; snake_case, with its unit where one could doubt.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// Values of a column; a missing number is not drawn, and empty in the `.csv`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Finite numbers.
    Numbers(Vec<Option<f64>>),
    /// Categories, in the order in which the scale shows them: that of first appearance.
    Words(Vec<String>),
}

/// One kind of shape, drawn for every row (a line: for every group of rows of one colour and dash).
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The shape.
    pub shape: Shape,
    /// Position along x.
    pub x: Option<Channel>,
    /// Other end along x.
    pub x2: Option<Channel>,
    /// Position along y.
    pub y: Option<Channel>,
    /// Other end along y.
    pub y2: Option<Channel>,
    /// Colour.
    pub color: Color,
    /// Column of words by which lines are dashed and points shaped; it has a legend of its own unless it is also the colour's.
    pub style: Option<String>,
    /// Column that is written, of [`Shape::Text`].
    pub text: Option<String>,
    /// Only rows in which this column has this word.
    pub only: Option<(String, String)>,
}

/// What a mark looks like, and which channels it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Through (x, y) of its rows in order of x; a missing y parts it.
    Line,
    /// Between (x, y) and (x, y2), translucent.
    Band,
    /// From y2 (or zero) to y at x. Rows of one x: beside each other by colour where x is a band scale, over each other where y2 is given.
    Bar,
    /// A filled rectangle at (x, y), both band scales.
    Cell,
    /// A regular hexagon round (x, y), a corner above, counts as colour. The rows are bins already: their centres are 1 / `n_across` of the
    /// panel's width apart, their rows √3/2 of that, every second one shifted by half. Both scales need a fixed domain for that.
    Hexbin {
        /// Bins along the whole of x's domain.
        n_across: u32,
    },
    /// A small disc at (x, y).
    Point,
    /// A thin straight line: from y to y2 at x, from x to x2 at y, or across the panel where only one of x and y is given.
    Rule,
    /// `text` at (x, y).
    Text,
}

/// Where a position comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Channel {
    /// A column.
    Field(String),
    /// The same for every row; drawn once.
    Value(f64),
}

/// Where a colour comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Color {
    /// A column, through [`Figure::color`].
    Field(String),
    /// A place in the theme's list of categories.
    Category(usize),
    /// The theme's colour of rules and of what is only there to compare with.
    Muted,
    /// The theme's colour of text and axes.
    Ink,
}

/// How values become positions.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// What the axis is titled, with its unit.
    pub title: String,
    /// Which kind.
    pub kind: ScaleKind,
}

/// Kinds of position scales.
#[derive(Clone, Debug, PartialEq)]
pub enum ScaleKind {
    /// Linear.
    Linear {
        /// First and last value; absent: what the marks need, made round.
        domain: Option<[f64; 2]>,
        /// Whether zero is on it at all events.
        has_zero: bool,
        /// How ticks are written.
        format: Format,
    },
    /// Logarithmic, base 10. What is not above zero is an error of whoever made the figure.
    Log {
        /// First and last value; absent: what the marks need.
        domain: Option<[f64; 2]>,
    },
    /// Linear up to `linear_to` on both sides of zero and logarithmic beyond: for training steps that begin at 0, and damages.
    SymmetricLog {
        /// Where it changes.
        linear_to: f64,
        /// How ticks are written.
        format: Format,
    },
    /// A place for every word or whole number, in order of first appearance.
    Band,
}

/// How numbers of an axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As short as tells ticks apart; thousands as `80k`, millions as `5M`.
    Plain,
    /// A share of one as a percentage.
    Percent,
}

/// How values become colours, and the legend that says so.
#[derive(Clone, Debug, PartialEq)]
pub struct ColorScale {
    /// Title of the legend.
    pub title: String,
    /// Which kind.
    pub kind: ColorKind,
}

/// Kinds of colour scales.
#[derive(Clone, Debug, PartialEq)]
pub enum ColorKind {
    /// Unordered words: the theme's categories, told apart by people who are colour-blind.
    Categories,
    /// Ordered words, such as checkpoints: steps along the theme's sequence.
    Ordered,
    /// Numbers along the theme's sequence, with a colour bar.
    Sequence {
        /// First and last value; absent: those of the data.
        domain: Option<[f64; 2]>,
        /// Logarithmic, for counts.
        is_log: bool,
        /// How the bar's ticks are written.
        format: Format,
    },
}

/// Panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// Column of words whose values are the panels, in order of first appearance; the word is the panel's heading.
    pub column: String,
    /// Panels in a row at most.
    pub n_columns: usize,
    /// Whether every panel has a y scale of its own.
    pub has_own_y: bool,
}

impl Data {
    /// With another column of numbers; what is not finite is missing.
    #[must_use]
    pub fn numbers<V: Into<Option<f64>>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(|value| value.into().filter(|value: &f64| value.is_finite())).collect();
        self.columns.push(Column { name: name.into(), values: Values::Numbers(values) });
        self
    }

    /// With another column of words.
    #[must_use]
    pub fn words<V: Into<String>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.columns.push(Column { name: name.into(), values: Values::Words(values) });
        self
    }
}

impl Mark {
    /// A shape with nothing said of it yet, in ink.
    pub fn new(shape: Shape) -> Self {
        let none = || None;
        Self {
            shape,
            x: none(),
            x2: none(),
            y: none(),
            y2: none(),
            color: Color::Ink,
            style: None,
            text: None,
            only: None,
        }
    }

    /// At these columns.
    #[must_use]
    pub fn at(mut self, x: &str, y: &str) -> Self {
        self.x = Some(Channel::Field(x.into()));
        self.y = Some(Channel::Field(y.into()));
        self
    }

    /// From `y` to this column.
    #[must_use]
    pub fn to_y(mut self, y2: &str) -> Self {
        self.y2 = Some(Channel::Field(y2.into()));
        self
    }

    /// Coloured by a column.
    #[must_use]
    pub fn colored(mut self, column: &str) -> Self {
        self.color = Color::Field(column.into());
        self
    }

    /// Of one colour.
    #[must_use]
    pub fn in_color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    /// Dashed or shaped by a column.
    #[must_use]
    pub fn styled(mut self, column: &str) -> Self {
        self.style = Some(column.into());
        self
    }

    /// Of rows with this word only.
    #[must_use]
    pub fn only(mut self, column: &str, word: &str) -> Self {
        self.only = Some((column.into(), word.into()));
        self
    }
}

impl Scale {
    /// A place for every word.
    pub fn band(title: &str) -> Self {
        Self { title: title.into(), kind: ScaleKind::Band }
    }

    /// Linear over what the marks need.
    pub fn linear(title: &str) -> Self {
        Self { title: title.into(), kind: ScaleKind::Linear { domain: None, has_zero: false, format: Format::Plain } }
    }

    /// Percentages from zero.
    pub fn share(title: &str) -> Self {
        Self { title: title.into(), kind: ScaleKind::Linear { domain: None, has_zero: true, format: Format::Percent } }
    }
}
