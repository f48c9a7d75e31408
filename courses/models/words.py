"""The words that courses are found by."""

from django.db import models

from common.fields import ExactCharField
from common.words import LONGEST_WORD
from courses.models.courses import Course


class CourseWord(models.Model):
    """A word of a listed course, folded; `leads` if it is not in the description alone.

    The words of its teacher's name are rows of `accounts`.
    """

    pk = models.CompositePrimaryKey("word", "course")
    word = ExactCharField(max_length=LONGEST_WORD)
    course = models.ForeignKey(Course, models.CASCADE, related_name="words", db_index=False)
    leads = models.BooleanField()

    class Meta:
        db_table = "course_words"
        indexes = [
            models.Index(fields=["course", "word"], name="course_words_of_course"),
            models.Index(fields=["word", "leads", "course"], name="course_words_leading"),
        ]

    def __str__(self) -> str:
        return self.word
