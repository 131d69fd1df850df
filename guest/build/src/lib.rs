//! Builds the component in its variants.
