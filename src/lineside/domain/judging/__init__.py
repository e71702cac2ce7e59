"""What turns a part record into a judgement: memory, experience, path attribution, wording."""
