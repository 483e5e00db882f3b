//! The forms of texts that several words of ECS share.

use super::shape::{Form, Shape};

/// Any text.
pub(super) const ANY: Shape = Shape::Text(Form {
    pattern: "",
    advice: "",
});

pub(super) const fn text(pattern: &'static str, advice: &'static str) -> Shape {
    Shape::Text(Form { pattern, advice })
}

/// A directory or a file.
pub(super) const ABSOLUTE: Shape = text("^/", "write an absolute path, /…");

/// The name of a host, as in RFC 1123.
pub(super) const HOST: Shape = text(
    r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$",
    "write a host name: letters, digits and `-`, in parts separated by dots",
);

/// An address, of version 4 or 6.
pub(super) const ADDRESS: Shape = text(
    r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$",
    "write an IP address",
);

/// A container's or a volume's name.
pub(super) const NAME: Shape = text("^[A-Za-z0-9_-]{1,255}$", "legal: 1 to 255 letters, digits, `-` and `_`");

pub(super) const PORT: Shape = Shape::Whole {
    unit: "as a port",
    least: 1,
    most: 65535,
};
