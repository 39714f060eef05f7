"""What users may ask about variants of a plant, and about changes of its inputs."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from flask_api.analysis import Analysis, Request, Table
from flask_api.domains.price.model_choice import (
    Chosen,
    ModelChoice,
    ModelReference,
    Version,
)
from flask_api.validation import misplaced


def _printable(id: str) -> str:
    """Refuse what neither a page nor a sheet of a workbook can show in a name."""
    for place, sign in enumerate(id):
        code = ord(sign)
        if unicodedata.category(sign) in ("Cc", "Cs") or code & 0xFFFE == 0xFFFE:
            raise ValueError(
                f"has U+{code:04X} as character {place + 1}, which can't be shown: "
                "leave control characters out"
            )
    return id


Id = Annotated[
    str, StringConstraints(min_length=1, max_length=128), AfterValidator(_printable)
]
Share = Annotated[float, Field(ge=0, le=1)]

#: Key of `market_share` that means this product and no competitor.
OWN = "own"


class ElasticityData(Request):
    """How demand answers to the price."""

    own_price: float | None = Field(
        default=None,
        lt=0,
        description=(
            "Own-price elasticity of demand: percent of volume per percent of price, "
            "below 0."
        ),
    )


class MarketData(Request):
    """What is known of the market that the product is sold in."""

    competitor_prices: (
        Annotated[list[Annotated[float, Field(gt=0)]], Field(max_length=10_000)] | None
    ) = Field(default=None, description="Prices of competitors, $ per unit.")
    market_share: Share | dict[Id, Share] | None = Field(
        default=None,
        description=(
            "Share of the market at the base price, or shares by name: `own` is this "
            "product's; left out, it has what the others leave."
        ),
    )
    elasticity_data: ElasticityData | None = None

    @model_validator(mode="after")
    def _shares_fit(self) -> MarketData:
        shares = self.market_share
        if isinstance(shares, dict) and sum(shares.values()) > 1 + 1e-9:
            raise misplaced(
                "market_share",
                f"sums to {sum(shares.values()):g}; shares of one market sum to at "
                "most 1",
            )
        own = self.own_share
        if own is not None and not 0 < own < 1:
            raise misplaced(
                "market_share",
                f"leaves {own:g} to this product; a share that answers to the price is "
                "above 0 and below 1",
            )
        return self

    @property
    def own_share(self) -> float | None:
        """This product's share at the base price, if it can be told."""
        shares = self.market_share
        if not isinstance(shares, dict):
            return shares
        if not shares:
            return None
        return shares.get(OWN, max(0.0, 1 - sum(shares.values())))

    @property
    def own_price_elasticity(self) -> float | None:
        return self.elasticity_data.own_price if self.elasticity_data else None


class Variant(ModelReference):
    """A plant to hold against the base; what it leaves out is as in the base."""

    id: Id | None = Field(
        default=None, description="A name for the answer; left out: one that tells."
    )

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, data: Any) -> Any:
        """A bare version, and an id that is a number."""
        if isinstance(data, (str, int)) and not isinstance(data, bool):
            return {"version": data}
        if isinstance(data, dict) and type(data.get("id")) is int:
            return {**data, "id": str(data["id"])}
        return data


class ComparisonConfig(Request):
    """How drivers are found where more than 12 things differ."""

    seed: int | None = Field(
        default=None, ge=0, le=2**63 - 1, description="Left out: a fresh one."
    )
    permutations: int = Field(
        default=1024,
        ge=4,
        le=16_384,
        description="Orders of change that are drawn where more than 12 things differ.",
    )


class PriceComparisonRequest(Request):
    """Prices of variants against a base, and what makes the difference.

    Every input and choice in which a variant differs gets its part of the difference;
    the parts add up.
    """

    base_version: Version | None = Field(
        default=None, description="Version of the base, such as 1 or `1`; default 1."
    )
    base: ModelReference | None = Field(
        default=None, description="The base with an extension or overrides of its own."
    )
    variants: Annotated[list[Variant], Field(min_length=1, max_length=50)]
    market_data: MarketData | None = None
    config: ComparisonConfig = Field(default_factory=ComparisonConfig)

    @model_validator(mode="after")
    def _names_the_base_once(self) -> PriceComparisonRequest:
        inner = None if self.base is None else self.base.version
        outer = self.base_version
        if None not in (inner, outer) and str(inner) != str(outer):
            raise misplaced(
                "base.version",
                f"is {str(inner)[:64]!r}, but base_version is {str(outer)[:64]!r}: "
                "give it once",
            )
        return self

    def chosen_base(self) -> Chosen:
        """Version, extension and overrides of the base, with defaults filled in."""
        base = self.base or ModelReference()
        version = self.base_version if base.version is None else base.version
        return Chosen(
            "1" if version is None else str(version),
            base.extension or None,
            base.changes(),
        )


Change = float | bool | Annotated[str, StringConstraints(max_length=200)]
ChangeType = Literal["percentage", "directvalue", "absolutedeparture"]


class ImpactParameter(Request):
    """One change: of an input (`change`), or in shares (`weight`, `sensitivity`)."""

    id: Id
    change: Change | None = Field(
        default=None,
        description=(
            "Percent, new value or difference, as change_type says; text or true/false "
            "for a convention such as depreciation_method."
        ),
    )
    change_type: ChangeType | None = Field(
        default=None,
        description=(
            "percentage: x (1 + change/100), the default; directvalue: change; "
            "absolutedeparture: x + change."
        ),
    )
    weight: float | None = Field(
        default=None, ge=0, le=1, description="Relative change of the parameter."
    )
    sensitivity: float | None = Field(
        default=None,
        description="Relative change of the price per that of the parameter.",
    )
    uncertainty: float | None = Field(
        default=None,
        ge=0,
        description="Relative standard deviation of the parameter; default 0.1.",
    )

    @property
    def exact(self) -> bool:
        """Whether the item asks for a price solved anew."""
        return self.change is not None

    @model_validator(mode="after")
    def _has_one_form(self) -> ImpactParameter:
        linear = [
            name
            for name in ("weight", "sensitivity", "uncertainty")
            if getattr(self, name) is not None
        ]
        if self.exact and linear:
            raise ValueError(
                f"has change and {linear[0]}; give `change`, or `weight` and "
                "`sensitivity`"
            )
        if self.exact:
            plain = isinstance(self.change, (bool, str))
            if plain and self.change_type not in (None, "directvalue"):
                raise ValueError(
                    f"change is {self.change!r}, which is no number: change_type can "
                    "only be directvalue"
                )
            return self
        if self.weight is None or self.sensitivity is None or self.change_type:
            raise ValueError(
                "wants `change` (with change_type), or `weight` and `sensitivity` "
                "(with uncertainty)"
            )
        return self


class Constraints(Request):
    """Between which prices the answer may lie."""

    min_price: float | None = None
    max_price: float | None = None

    @model_validator(mode="after")
    def _upright(self) -> Constraints:
        if None not in (self.min_price, self.max_price):
            low, high = float(self.min_price or 0), float(self.max_price or 0)
            if low > high:
                raise ValueError(
                    f"min_price {low:g} is above max_price {high:g}; no price is "
                    "between them"
                )
        return self


class PriceImpactRequest(ModelChoice):
    """What changes of inputs do to the price: each alone, then all together.

    Changes of inputs are priced anew, exactly; weights and sensitivities are propagated
    to first order.
    """

    base_price: float | None = Field(
        default=None,
        ge=0,
        description="Price to compare with, $ per unit; left out: the solved one.",
    )
    parameters: Annotated[list[ImpactParameter], Field(min_length=1, max_length=200)]
    market_data: MarketData | None = None
    constraints: Constraints | None = None

    @field_validator("parameters", mode="before")
    @classmethod
    def _from_mapping(cls, data: Any) -> Any:
        """Also a mapping from id to what is asked of it."""
        if not isinstance(data, Mapping):
            return data
        return [
            {"id": name, **item} if isinstance(item, Mapping) else item
            for name, item in data.items()
        ]


COMPARISONS = (
    Analysis(
        "price.comparison",
        PriceComparisonRequest,
        run="comparison.job:comparison",
        example={
            "base_version": 1,
            "variants": [
                {"extension": "loan"},
                {"id": "dearer", "overrides": {"S11": 250_000, "labor_cost": 30_000}},
            ],
        },
        tables=(
            Table("comparison", ("summary",)),
            Table("drivers", ("comparisons", "*", "drivers")),
            Table("waterfall", ("comparisons", "*", "waterfall")),
        ),
        documents={
            "xlsx": "files.comparison_workbook:write_workbook",
            "html": "files.page:write_comparison",
        },
    ),
    Analysis(
        "price.impact",
        PriceImpactRequest,
        run="comparison.impact_job:impact",
        example={
            "parameters": [
                {"id": "bare_erected_cost", "change": 10},
                {"id": "S35", "change": 30_000, "change_type": "directvalue"},
            ],
            "constraints": {"max_price": 2.5},
        },
        quick=True,
        tables=(Table("changes", ("changes",)),),
    ),
)
