//! What an operator may do: one rulebook, without HTML or JSON.
