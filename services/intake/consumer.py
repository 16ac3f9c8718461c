"""Events and who handles them: intake follows the directory, so that it knows whose keys are whose without asking."""

from libs.common.auth import take_principal
from libs.common.consume import Subscription
from libs.common.events.directory import PrincipalChanged

SUBSCRIPTION = Subscription("intake", ("directory",), {PrincipalChanged: take_principal})
