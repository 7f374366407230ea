"""`jacobian` and `hessian`: derivatives of more than one number, as a tensor of numbers and as one formula."""
