from sympy import Basic, Expr

class Relational(Basic):
    lhs: Expr
    rhs: Expr
    rel_op: str
