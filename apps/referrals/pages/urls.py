"""Pages of signed links, below `/r/`. A link's token is random and says nothing of anybody."""

from django.urls import path

from apps.referrals.pages import views

urlpatterns = [
    path("<str:token>/", views.referral, name="link"),
    path("<str:token>/code", views.code, name="link-code"),
    path("<str:token>/enter", views.enter, name="link-enter"),
    path("<str:token>/say/<str:verb>", views.say, name="link-say"),
    path("<str:token>/capacity", views.capacity, name="link-capacity"),
    path("<str:token>/known", views.known, name="link-known"),
    path("<str:token>/leave", views.leave, name="link-leave"),
]
