"""The words that a plan's workbook is written with and recognised by, in every language of the programme.

They are kept here and not among the translations: a workbook that was filled in under one translation must still be
read under the next one, and by a colleague who reads another language.
"""

from __future__ import annotations

from lab.rules.workplan_cells import fold

# The columns in their order; ``amount`` is worked out and never read.
COLUMNS: dict[str, tuple[str, ...]] = {
    "activities": ("id", "title", "owner", "starts_on", "ends_on", "deliverable", "milestone"),
    "milestones": ("id", "title", "stage", "due_on", "proof"),
    "budget": ("id", "category", "description", "quantity", "unit_cost", "amount", "own", "activity"),
}
SHEETS: dict[str, dict[str, str]] = {
    "en": {"summary": "Summary", "activities": "Activities", "milestones": "Milestones", "budget": "Budget", "notes": "Notes"},
    "es": {"summary": "Resumen", "activities": "Actividades", "milestones": "Hitos", "budget": "Presupuesto", "notes": "Notas"},
    "pt": {"summary": "Resumo", "activities": "Atividades", "milestones": "Marcos", "budget": "Orçamento", "notes": "Anotações"},
    "fr": {"summary": "Résumé", "activities": "Activités", "milestones": "Jalons", "budget": "Budget", "notes": "Remarques"},
}  # fmt: skip
HEADINGS: dict[str, dict[str, dict[str, str]]] = {
    "en": {
        "activities": {
            "id": "Row", "title": "Activity", "owner": "Who", "starts_on": "From", "ends_on": "To",
            "deliverable": "Deliverable", "milestone": "Milestone",
        },
        "milestones": {"id": "Row", "title": "Milestone", "stage": "Stage", "due_on": "Due", "proof": "What proves it"},
        "budget": {
            "id": "Row", "category": "Category", "description": "What it pays for", "quantity": "Quantity",
            "unit_cost": "Unit cost", "amount": "Amount", "own": "Own contribution", "activity": "Activity",
        },
    },
    "es": {
        "activities": {
            "id": "Fila", "title": "Actividad", "owner": "Quién", "starts_on": "Desde", "ends_on": "Hasta",
            "deliverable": "Producto", "milestone": "Hito",
        },
        "milestones": {"id": "Fila", "title": "Hito", "stage": "Etapa", "due_on": "Vence", "proof": "Qué lo prueba"},
        "budget": {
            "id": "Fila", "category": "Categoría", "description": "Qué paga", "quantity": "Cantidad",
            "unit_cost": "Costo unitario", "amount": "Importe", "own": "Aporte propio", "activity": "Actividad",
        },
    },
    "pt": {
        "activities": {
            "id": "Linha", "title": "Atividade", "owner": "Quem", "starts_on": "De", "ends_on": "Até",
            "deliverable": "Produto", "milestone": "Marco",
        },
        "milestones": {"id": "Linha", "title": "Marco", "stage": "Etapa", "due_on": "Prazo", "proof": "O que o comprova"},
        "budget": {
            "id": "Linha", "category": "Categoria", "description": "O que paga", "quantity": "Quantidade",
            "unit_cost": "Custo unitário", "amount": "Valor", "own": "Contrapartida", "activity": "Atividade",
        },
    },
    "fr": {
        "activities": {
            "id": "Ligne", "title": "Activité", "owner": "Qui", "starts_on": "Du", "ends_on": "Au",
            "deliverable": "Livrable", "milestone": "Jalon",
        },
        "milestones": {"id": "Ligne", "title": "Jalon", "stage": "Étape", "due_on": "Échéance", "proof": "Ce qui le prouve"},
        "budget": {
            "id": "Ligne", "category": "Catégorie", "description": "Ce que cela paie", "quantity": "Quantité",
            "unit_cost": "Coût unitaire", "amount": "Montant", "own": "Apport propre", "activity": "Activité",
        },
    },
}  # fmt: skip
# Other words for the same, as plans of teams have them.
_ALSO: dict[str, dict[str, tuple[str, ...]]] = {
    "activities": {
        "id": ("id",), "title": ("name", "title", "nombre", "nom", "nome"),
        "owner": ("owner", "responsible", "responsable", "responsável", "person in charge", "carried out by"),
        "starts_on": ("start", "starts on", "start date", "inicio", "fecha de inicio", "início", "data de início", "début", "date de début"),
        "ends_on": ("end", "ends on", "end date", "fin", "fecha de fin", "fim", "data de fim", "término", "date de fin"),
        "deliverable": ("output", "result", "entregable", "resultado", "entregável", "entrega", "résultat", "produit"),
        "milestone": ("leads to", "milestone it leads to"),
    },
    "milestones": {
        "id": ("id",), "title": ("name", "title", "nombre", "nom", "nome"), "stage": ("phase", "fase"),
        "due_on": ("due on", "due date", "date", "deadline", "fecha", "fecha límite", "plazo", "data", "data limite", "date limite"),
        "proof": ("proof", "evidence", "means of verification", "prueba", "evidencia", "prova", "evidência", "preuve"),
    },
    "budget": {
        "id": ("id",), "category": ("rubro", "rubrica", "rubrique", "heading"),
        "description": ("description", "item", "line", "descripción", "concepto", "descrição", "item", "désignation"),
        "quantity": ("qty", "units", "number of units", "cant", "qtd", "qté", "nombre"),
        "unit_cost": ("unit price", "cost per unit", "coste unitario", "precio unitario", "preço unitário", "prix unitaire"),
        "amount": ("total", "total cost", "subtotal", "monto", "sous total"),
        "own": ("our own contribution", "own", "contribución propia", "contrapartida propia", "contribuição própria", "contribution propre"),
        "activity": ("activity it pays for",),
    },
}  # fmt: skip
_SHEETS_ALSO = {"activities": ("workplan", "plan de trabajo", "plano de trabalho", "plan de travail")}
TOTALS = frozenset(
    {"total", "totals", "totales", "totais", "totaux", "sum", "suma", "soma", "somme", "sub total", "subtotal"}
)


def _known(section: str) -> dict[str, str]:
    found = {fold(word): name for language in HEADINGS.values() for name, word in language.get(section, {}).items()} | {
        fold(word): name for name, words in _ALSO[section].items() for word in words
    }
    return found


_FIELDS = {section: _known(section) for section in COLUMNS}
_SECTIONS = {fold(word): section for words in SHEETS.values() for section, word in words.items()} | {
    fold(word): section for section, words in _SHEETS_ALSO.items() for word in words
}


def field_of(section: str, heading: str) -> str | None:
    """The field of ``section`` that a column headed so holds, in whatever language; None for no column of ours."""
    return _FIELDS[section].get(fold(heading))


def section_of(sheet: str) -> str | None:
    """What a sheet of that name holds, in whatever language: a section, ``notes``, or None."""
    return _SECTIONS.get(fold(sheet))


def words_of(language: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The sheets' names and the headings in ``language``; in English for one that there is none in."""
    known = language if language in SHEETS else "en"
    return SHEETS[known], HEADINGS[known]
