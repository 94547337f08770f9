"""Features of the embedded table `telco`.

Numbers arrive as float64 with NaN where the value is missing, and NaN carries through; categories
arrive as objects with None where missing. Yes/no columns are 1 and 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn import columns

Numbers = NDArray[np.float64]
Words = NDArray[np.object_]
LOYALTY = np.array([None, "New", "Regular", "Loyal", "Champion"], dtype=object)


def _is(values: Words, level: str) -> Numbers:
    """1 where the category is `level`, 0 where it is another, NaN where it is missing."""
    found = (values == level).astype(np.float64)
    found[values == None] = np.nan  # noqa: E711  element by element
    return found


# tenure


def is_new_customer(tenure_months: Numbers) -> Numbers:
    """1 in the first three months."""
    return np.where(np.isnan(tenure_months), np.nan, tenure_months < 3)


def loyalty_level(tenure_months: Numbers) -> Words:
    """New below 6 months, Regular below 24, Loyal up to 60, Champion above."""
    level = np.zeros(tenure_months.shape, dtype=np.int8)
    for higher in (tenure_months >= 0, tenure_months >= 6, tenure_months >= 24, tenure_months > 60):
        level += higher
    return columns.Words.of(LOYALTY, level)


def tenure_years(tenure_months: Numbers) -> Numbers:
    """Whole years since the contract began."""
    return np.floor(tenure_months / 12)


def age_at_start(age: Numbers, tenure_months: Numbers) -> Numbers:
    """Age in years when the customer came."""
    return age - tenure_months / 12


# money


def customer_lifetime_value(monthly_charges: Numbers, tenure_months: Numbers) -> Numbers:
    """USD that today's charge would have brought over the whole tenure."""
    return monthly_charges * tenure_months


def average_charge(total_charges: Numbers, tenure_months: Numbers) -> Numbers:
    """USD charged per month of tenure; the first month counts as one."""
    return total_charges / np.maximum(tenure_months, 1)


def charge_increase(monthly_charges: Numbers, average_charge: Numbers) -> Numbers:
    """USD by which today's charge is above the customer's own average."""
    return monthly_charges - average_charge


def price_per_gb(monthly_charges: Numbers, data_usage_gb: Numbers) -> Numbers:
    """USD per GB used; less than one GB counts as one."""
    return monthly_charges / np.maximum(data_usage_gb, 1)


def charge_to_typical(monthly_charges: Numbers, typical_monthly_charge: float) -> Numbers:
    """Charge against the table's typical charge (a constant of the contract); 1 is typical."""
    return monthly_charges / typical_monthly_charge


def late_payment_rate(late_payments: Numbers, tenure_months: Numbers) -> Numbers:
    """Late payments per month of tenure; the first month counts as one."""
    return late_payments / np.maximum(tenure_months, 1)


# behaviour


def total_services(
    phone_service: Numbers, tv_service: Numbers, streaming_service: Numbers, internet_service: Words
) -> Numbers:
    """How many of phone, TV, streaming and internet the customer has; missing is no."""
    has_internet = 1 - _is(internet_service, "None")
    # fmax: the greater one of those that are not missing.
    at_home = np.fmax(phone_service, 0) + np.fmax(has_internet, 0)
    return at_home + np.fmax(tv_service, 0) + np.fmax(streaming_service, 0)


def service_adoption_rate(total_services: Numbers) -> Numbers:
    """Share of the four services that the customer has."""
    return total_services / 4


def price_per_service(monthly_charges: Numbers, total_services: Numbers) -> Numbers:
    """USD per service; none counts as one."""
    return monthly_charges / np.maximum(total_services, 1)


def calls_per_month(support_calls: Numbers, tenure_months: Numbers) -> Numbers:
    """Support calls per month of tenure; the first month counts as one."""
    return support_calls / np.maximum(tenure_months, 1)


def problems(support_calls: Numbers, late_payments: Numbers) -> Numbers:
    """Support calls and late payments together."""
    return support_calls + late_payments


def pays_automatically(payment_method: Words) -> Numbers:
    """1 for bank transfer and credit card."""
    return np.maximum(_is(payment_method, "Bank transfer"), _is(payment_method, "Credit card"))
