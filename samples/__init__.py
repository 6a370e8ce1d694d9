"""Sample photographs, and the script that makes the pictures beside them."""
