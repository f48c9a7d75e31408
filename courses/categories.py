"""Change a category, with all courses that are filed under it."""

from uuid import UUID

from common.transactions import operation
from common.words import alike
from courses.locks import lock_course
from courses.models import Category, Course
from courses.services import save_terms
from courses.words import write_words


def rename_category(category: Category, name: str) -> Category:
    """File the courses of a category under another name; gives the category that has it then.

    If there is one of that name, alike but for case and spaces, the two become one. A course at a
    time, in steps: a repeat does what a crash left over. Each step locks its course.
    """
    old = category.name
    renamed = _open(category, " ".join(name.split()))
    while courses := [*Course.objects.filter(category=old).values_list("pk", flat=True)]:
        if not sum(_file(key, old, renamed.name) for key in courses):
            break
    if renamed.pk != category.pk:
        Category.objects.filter(pk=category.pk).delete()
    return renamed


@operation
def _open(category: Category, name: str) -> Category:
    """The category to go on with: another of this name, or else a new one where the old one is."""
    like_this = {"name": name, "position": category.position}
    found, _ = Category.objects.get_or_create(key=alike(name), defaults=like_this)
    if found.pk == category.pk:
        found.name = name
        found.save(update_fields=["name", "key"])
    return found


@operation
def _file(course_id: UUID, old: str, new: str) -> bool:
    """Whether there was anything to change."""
    course = lock_course(course_id)
    if course is None or course.category == new or alike(course.category) != alike(old):
        return False
    course.category = new
    save_terms(course, "category")
    write_words(course)
    return True
