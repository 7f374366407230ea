from sympy import Basic as Basic
